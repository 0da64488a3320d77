//! Units of work that let appends go first.

use std::{future::Future, time::Duration};

use tokio::time::sleep;

use crate::storage::StorageError;

/// A unit of work that locks messages gives up if it blocks an append. It is tried this many times in all, with this
/// pause in between.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

/// Does a unit of work that locks messages, and tries it again after it has given up.
pub(super) async fn yielding<T, W>(mut work: impl FnMut() -> W) -> Result<T, StorageError>
where
    W: Future<Output = Result<T, StorageError>>,
{
    for _ in 1..TRIES {
        match work().await {
            Err(StorageError::Unavailable(_)) => sleep(PAUSE).await,
            done => return done,
        }
    }
    work().await
}
