//! A clock that a test sets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use receiptd::{clock::Clock, domain::Timestamp};

/// The wall clock plus an offset that the test sets. Clones share the offset.
#[derive(Clone, Default)]
pub struct SetClock {
    ahead_micros: Arc<AtomicI64>,
}

impl SetClock {
    /// The clock in the type of the program.
    pub fn clock(&self) -> Clock {
        let (system, ahead) = (Clock::system(), self.ahead_micros.clone());
        Clock::new(move || Timestamp::from_micros(system.now().as_micros() + ahead.load(Ordering::Relaxed)))
    }

    pub fn goes_forward(&self, time: Duration) {
        self.ahead_micros.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
    }

    pub fn goes_back(&self, time: Duration) {
        self.ahead_micros.fetch_sub(i64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
    }
}
