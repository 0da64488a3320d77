//! Removes old status events.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    clock::{Clock, ClockJumpDetector},
    domain::{PageLimit, Timestamp},
    storage::StatusEvents,
};

/// How often the oldest events are removed.
const TRIM_EVERY: Duration = Duration::from_mins(10);

/// The pause between two steps, so that the writers are not slowed down.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);

/// Removes events that are older than `keep`, in small steps and without end, but not while the clock has just been
/// set.
pub async fn trim_status_events(status_events: Arc<dyn StatusEvents>, keep: Duration, clock: Clock) {
    let mut watched = ClockJumpDetector::new(clock.clone());
    loop {
        if watched.was_set() {
            sleep(TRIM_EVERY).await;
            continue;
        }
        let before: Timestamp = clock.now().minus(keep);
        let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
        match status_events.trim(before, limit).await {
            Ok(true) => sleep(BETWEEN_STEPS).await,
            Ok(false) => sleep(TRIM_EVERY).await,
            Err(error) => {
                tracing::warn!(
                    error = crate::observe::causes(&error),
                    "the oldest events could not be removed; this is retried later"
                );
                sleep(TRIM_EVERY).await;
            }
        }
    }
}
