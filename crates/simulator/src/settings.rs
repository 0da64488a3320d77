//! How the simulated platform behaves.

use std::{num::NonZeroU32, time::Duration};

use chrono::{DateTime, Utc};

/// How the simulated platform behaves. Shares are between 0 and 1.
#[derive(Clone)]
pub struct Settings {
    /// The same seed gives the same fate to the n-th message.
    pub seed: u64,
    /// The one key that is let in. `None`: any key or JWT, but there must be one.
    pub service_key: Option<String>,
    /// Signs notifications in `x-hub-signature` with SHA-256, as an Outbound Webhook with a hub secret does.
    pub hub_secret: Option<String>,
    /// How long the platform takes to answer a send.
    pub answer_delay: Duration,
    /// The typical pause between two steps of one message. The seed makes it half or twice as long.
    pub notify_delay: Duration,
    /// The pause before a notification is tried again; 60 s in reality.
    pub retry_pause: Duration,
    /// The share of notifications that are never posted.
    pub loss: f64,
    /// The share of notifications that are posted twice.
    pub duplicates: f64,
    /// The share of notifications that change places with the next one of their message.
    pub reorder: f64,
    /// The share of messages whose first notification is posted before the send is answered.
    pub early: f64,
    /// The share of messages that fail.
    pub failures: f64,
    /// The tenant's rate: messages per second beyond which a send is refused with 7020, with half as many more as a
    /// burst, and a hundred at the most. `None`: no limit.
    pub rate: Option<NonZeroU32>,
    /// How many notifications are posted at the same time, at most.
    pub notify_concurrency: usize,
    /// The SMS API v1 calls back with the flat body of its schema, in place of the nested notification.
    pub flat_callbacks: bool,
    /// What time it is.
    pub now: fn() -> DateTime<Utc>,
}

impl Settings {
    /// Nothing goes wrong and nothing waits: for tests, which then turn on what they are about.
    pub fn calm() -> Self {
        Self {
            answer_delay: Duration::ZERO,
            notify_delay: Duration::ZERO,
            retry_pause: Duration::ZERO,
            loss: 0.0,
            duplicates: 0.0,
            reorder: 0.0,
            early: 0.0,
            failures: 0.0,
            ..Self::default()
        }
    }
}

impl Default for Settings {
    /// The troubles of real life, at a hundred times its speed.
    fn default() -> Self {
        Self {
            seed: 1,
            service_key: None,
            hub_secret: None,
            answer_delay: Duration::from_millis(5),
            notify_delay: Duration::from_millis(150),
            retry_pause: Duration::from_millis(600),
            loss: 0.002,
            duplicates: 0.02,
            reorder: 0.03,
            early: 0.02,
            failures: 0.08,
            rate: None,
            notify_concurrency: 64,
            flat_callbacks: false,
            now: wall,
        }
    }
}

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "the simulated platform has a clock of its own")]
fn wall() -> DateTime<Utc> {
    Utc::now()
}
