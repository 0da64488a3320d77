//! The behavior of the simulated platform.

use std::{num::NonZeroU32, time::Duration};

use chrono::{DateTime, Utc};

/// The behavior of the simulated platform. Shares are between 0 and 1.
#[derive(Clone)]
pub struct Settings {
    /// An equal seed gives the n-th message an equal plan.
    pub seed: u64,
    /// The only accepted key. `None`: any key or JWT is accepted, but there must be one.
    pub service_key: Option<String>,
    /// Signs notifications in `x-hub-signature` with SHA-256, like an Outbound Webhook with a hub secret.
    pub hub_secret: Option<String>,
    /// The time after which a send request is answered.
    pub answer_delay: Duration,
    /// The typical pause between two steps of one message. The seed varies it between half and twice as long.
    pub notify_delay: Duration,
    /// The pause before a notification is retried. 60 s in reality.
    pub retry_pause: Duration,
    /// The share of notifications that are never posted.
    pub loss: f64,
    /// The share of notifications that are posted twice.
    pub duplicates: f64,
    /// The share of notifications that are exchanged with the next one of their message.
    pub reorder: f64,
    /// The share of messages whose first notification is posted before the send request is answered.
    pub early: f64,
    /// The share of messages that fail.
    pub failures: f64,
    /// An operator that fails for some time.
    pub outage: Option<Outage>,
    /// The tenant's rate limit in messages per second, beyond which a send request is rejected with 7020. A burst may
    /// exceed it by half, but by at most a hundred. `None`: no limit.
    pub rate: Option<NonZeroU32>,
    /// Maximum number of notifications that are posted at the same time.
    pub notify_concurrency: usize,
    /// Whether the SMS API v1 posts the flat body of its schema instead of the nested notification.
    pub flat_callbacks: bool,
    /// The clock.
    pub now: fn() -> DateTime<Utc>,
}

/// An operator that fails for some time: no text message to its subscribers arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The beginnings of the numbers of its subscribers, without a plus sign.
    pub numbers: Vec<String>,
    /// Messages that are accepted at this time or later fail.
    pub since: DateTime<Utc>,
    /// Messages that are accepted at this time or later arrive again.
    pub until: DateTime<Utc>,
    /// The code with which they fail.
    pub code: String,
}

impl Settings {
    /// Nothing fails and nothing waits. For tests, which then change what they are about.
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
    /// The problems of reality, a hundred times faster.
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
            outage: None,
            rate: None,
            notify_concurrency: 64,
            flat_callbacks: false,
            now: wall,
        }
    }
}

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "the simulated platform has its own clock")]
fn wall() -> DateTime<Utc> {
    Utc::now()
}
