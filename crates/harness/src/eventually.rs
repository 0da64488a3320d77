//! Waits for a condition instead of a fixed time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Far longer than any condition takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(15);

/// Calls `look` until it returns a value. `what` names the condition in the message of a failure.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "timeout while waiting for: {what}");
        sleep(POLL).await;
    }
}
