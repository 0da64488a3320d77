//! Merges the write-ahead log into the file.
//!
//! SQLite would do this in a commit, which then takes some hundred times as long as others. Here, another connection copies the
//! pages while commits go on. Only what was appended meanwhile is copied between two commits.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use sqlx::SqliteConnection;
use tokio::{sync::watch, time::sleep};

use super::backend::Pools;

/// The number of pages in the log from which it is merged. Pages that change often are merged less often than with SQLite's
/// default, 1,000.
const PAGES: u32 = 8_000;
/// The number of pages at which a commit merges the log itself, for example because readers prevented it before.
pub(super) const MOST_PAGES: &str = "64000";
/// The pause between two looks at the log.
const PAUSE: Duration = Duration::from_millis(100);

/// Merges the log whenever it is long, until the pools are closed.
pub(super) fn keep_short(pools: &Arc<Pools>) {
    tokio::spawn(run(Arc::downgrade(pools), pools.writer.used()));
}

async fn run(pools: Weak<Pools>, mut used: watch::Receiver<()>) {
    while used.changed().await.is_ok() {
        let Some(pools) = pools.upgrade() else { return };
        if pools.watch.log_pages() >= PAGES {
            match merge(&pools).await {
                Ok(()) => {}
                Err(sqlx::Error::PoolClosed) => return,
                Err(error) => tracing::debug!(%error, "the write-ahead log cannot be merged now"),
            }
        }
        drop(pools);
        sleep(PAUSE).await;
    }
}

async fn merge(pools: &Pools) -> Result<(), sqlx::Error> {
    pools.watch.check()?;
    copy(&mut *pools.merge.acquire().await?).await?;
    let (mut writer, home) = pools.writer.take(&pools.write).await?;
    let copied = copy(&mut writer).await;
    home.take_back(writer);
    copied
}

/// Copies the pages of the log that no reader still needs there, and waits for nothing. If these are all, the next commit begins
/// the log anew.
async fn copy(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(connection).await.map(|_| ())
}
