//! Removes the remains of deleted data from the files.
//!
//! With `secure_delete` SQLite overwrites a deleted row, but not the copies that it left when it moved the row to
//! another page. These copies stay in unused parts of pages until other rows need the space, or until the file is
//! rewritten.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use tokio::time::sleep;

use super::backend::Pools;

/// How often receiptd tries to empty the write-ahead log, and the pause for its readers in between.
const TRUNCATIONS: u32 = 50;
const BETWEEN_TRUNCATIONS: Duration = Duration::from_millis(100);

/// Merges the write-ahead log into the file and empties it. A transaction that still reads from the log prevents this.
/// It is waited for on a connection that holds no lock. Returns whether the log is empty.
pub(super) async fn clear_log(pools: &Pools) -> Result<bool, sqlx::Error> {
    pools.watch.check()?;
    let connect = SqliteConnectOptions::clone(&pools.write.connect_options()).busy_timeout(Duration::ZERO);
    let mut connection = connect.connect().await?;
    let mut is_busy = true;
    for _ in 0..TRUNCATIONS {
        let (busy, _, _): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await?;
        is_busy = busy != 0;
        if !is_busy {
            break;
        }
        sleep(BETWEEN_TRUNCATIONS).await;
    }
    connection.close().await?;
    Ok(!is_busy)
}

/// The size in bytes of the largest file that is rewritten while other writers wait. This takes a second or two on an
/// ordinary disk. It is also the maximum memory that it needs.
const LARGEST_REWRITTEN: i64 = 64 << 20;

/// Rewrites the file row by row, if it is small enough. Returns whether it did.
pub(super) async fn rewrite_file(pools: &Pools) -> Result<bool, sqlx::Error> {
    pools.watch.check()?;
    // Takes this process's writer, so that its other writers do not poll for the lock.
    let (mut writer, home) = pools.writer.take(&pools.write).await?;
    let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    let size: i64 = sqlx::query_scalar(size).fetch_one(&mut *writer).await?;
    if size > LARGEST_REWRITTEN {
        home.take_back(writer);
        return Ok(false);
    }
    let rewritten = sqlx::query("VACUUM").execute(&mut *writer).await;
    home.take_back(writer);
    rewritten.map(|_| true)
}
