//! Seals new status events, and removes old ones.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    clock::{Clock, ClockJumpDetector},
    domain::{PageLimit, Timestamp},
    storage::StatusEvents,
};

/// How often new events are sealed and the oldest are removed.
const EVERY: Duration = Duration::from_mins(1);

/// The pause between two steps, so that the writers are not slowed down.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);

/// Seals events, and removes those that are older than `keep`, in small steps and without end. Nothing is removed while the
/// clock has just been set.
pub async fn seal_and_trim_status_events(status_events: Arc<dyn StatusEvents>, keep: Duration, clock: Clock) {
    let mut watched = ClockJumpDetector::new(clock.clone());
    loop {
        match status_events.seal().await {
            Ok(true) => {
                sleep(BETWEEN_STEPS).await;
                continue;
            }
            Ok(false) => {}
            Err(error) => {
                let error = crate::observe::causes(&error);
                tracing::warn!(error, "new events could not be sealed; this is retried later");
            }
        }
        if watched.was_set() {
            sleep(EVERY).await;
            continue;
        }
        let before: Timestamp = clock.now().minus(keep);
        let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
        match status_events.trim(before, limit).await {
            Ok(true) => sleep(BETWEEN_STEPS).await,
            Ok(false) => sleep(EVERY).await,
            Err(error) => {
                tracing::warn!(
                    error = crate::observe::causes(&error),
                    "the oldest events could not be removed; this is retried later"
                );
                sleep(EVERY).await;
            }
        }
    }
}
