//! Posts notifications at their time, and retries as the platform does.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::Url;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::ledger::{Dropped, Ledger};
use super::plan::Planned;
use super::post::{Outcome, PendingPost, Post, TIMEOUT, may_retry};
use super::settings::Settings;

/// Maximum number of retries of a notification.
const RETRIES: u32 = 3;

/// Work for the courier.
pub(super) enum Errand {
    /// All notifications of one message, one after the other.
    Deliver(Delivery),
    /// One notification, after the pause between attempts.
    Retry {
        post: PendingPost,
        /// The number of earlier attempts.
        tries: u32,
    },
}

/// The notifications of one message.
pub(super) struct Delivery {
    pub(super) url: Url,
    pub(super) transaction_id: String,
    /// `x-wx-gtrid`.
    pub(super) trace_id: String,
    /// The pause before the first one.
    pub(super) delay: Duration,
    pub(super) notifications: Vec<Planned>,
    /// Notified when the first one has been posted.
    pub(super) first_posted: Option<oneshot::Sender<()>>,
}

/// Posts notifications.
pub(super) struct Courier {
    post: Post,
    retry_pause: Duration,
    now: fn() -> DateTime<Utc>,
    hands: Semaphore,
    ledger: Arc<Ledger>,
    outbox: mpsc::UnboundedSender<Errand>,
}

impl Courier {
    pub(super) fn new(
        settings: &Settings,
        ledger: Arc<Ledger>,
        outbox: mpsc::UnboundedSender<Errand>,
    ) -> io::Result<Self> {
        Ok(Self {
            post: Post::new(settings)?,
            retry_pause: settings.retry_pause,
            now: settings.now,
            hands: Semaphore::new(settings.notify_concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            ledger,
            outbox,
        })
    }

    pub(super) async fn run(self: Arc<Self>, errand: Errand) {
        match errand {
            Errand::Deliver(delivery) => self.deliver(delivery).await,
            Errand::Retry { post, tries } => {
                pause(self.retry_pause).await;
                self.try_once(post, tries).await;
            }
        }
    }

    /// Posts in the order of the plan. Failed posts are retried concurrently.
    async fn deliver(&self, mut delivery: Delivery) {
        pause(delivery.delay).await;
        for planned in delivery.notifications {
            pause(planned.pause).await;
            if planned.lost {
                // The caller must not wait for a notification that never comes.
                delivery.first_posted = None;
                continue;
            }
            let post = PendingPost {
                url: delivery.url.clone(),
                transaction_id: delivery.transaction_id.clone(),
                trace_id: delivery.trace_id.clone(),
                body: planned.body.into(),
            };
            self.try_once(post, 0).await;
            if let Some(first_posted) = delivery.first_posted.take() {
                // The caller may have disconnected.
                let _ = first_posted.send(());
            }
        }
    }

    async fn try_once(&self, post: PendingPost, tries: u32) {
        // The semaphore is never closed.
        let Ok(_hand) = self.hands.acquire().await else { return };
        self.ledger.posted(tries > 0);
        let Outcome::Failed { status, response } = self.post.attempt(&post).await else {
            self.ledger.taken();
            return;
        };
        if tries < RETRIES && status.is_none_or(may_retry) {
            // This fails only if the simulator is stopping.
            let _ = self.outbox.send(Errand::Retry { post, tries: tries + 1 });
            return;
        }
        tracing::debug!(status, "a notification was dropped");
        self.ledger.dropped(Dropped {
            url: post.url.into(),
            transaction_id: post.transaction_id,
            payload: serde_json::from_slice(&post.body).unwrap_or(Value::Null),
            status,
            response,
            at: (self.now)().to_rfc3339_opts(SecondsFormat::Millis, true),
        });
    }
}

/// Waits. A pause of zero does not use the timer.
async fn pause(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

/// Waits until the first notification has been posted or lost, or until the receiver's time is over.
pub(super) async fn until_posted(first: oneshot::Receiver<()>) {
    let _ = timeout(TIMEOUT, first).await;
}
