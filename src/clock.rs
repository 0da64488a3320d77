//! The time, passed in. The wall clock is read here and nowhere else; a lint holds that.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

use crate::domain::Timestamp;

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub fn wall() -> DateTime<Utc> {
    Utc::now()
}

/// A clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The wall clock.
    pub fn system() -> Self {
        Self::new(|| wall().into())
    }

    /// One that says what `now` says.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
