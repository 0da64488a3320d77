//! Takes what was removed out of the files.
//!
//! With `secure_delete` SQLite overwrites a row that is removed, but not the copies that it made when it moved the row to
//! another page: those stay in unused parts of the pages until other rows need the space, or the file is written anew.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use tokio::time::sleep;

use super::Backend;

/// How often it is tried to empty the write-ahead log, and how long its readers are left alone between.
const TRUNCATIONS: u32 = 50;
const BETWEEN_TRUNCATIONS: Duration = Duration::from_millis(100);

/// Moves the write-ahead log into the file and empties it. A transaction that still reads from it is in the way, and is
/// waited for, on a connection that holds no lock meanwhile. Says whether the log is empty.
pub(super) async fn clear_log(backend: &Backend) -> Result<bool, sqlx::Error> {
    backend.watch.check()?;
    let connect = SqliteConnectOptions::clone(&backend.write.connect_options()).busy_timeout(Duration::ZERO);
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

/// The largest file that is written anew while others wait to write, in bytes: a second or two on an ordinary disk. Also
/// the most memory that it takes.
const LARGEST_REWRITTEN: i64 = 64 << 20;

/// Writes the file anew, row by row, if it is small enough. Says whether it did.
pub(super) async fn rewrite_file(backend: &Backend) -> Result<bool, sqlx::Error> {
    backend.watch.check()?;
    // The turn of this process to write, so that the others do not poll for the lock.
    let mut writer = backend.write.acquire().await?;
    let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    let size: i64 = sqlx::query_scalar(size).fetch_one(&mut *writer).await?;
    if size > LARGEST_REWRITTEN {
        return Ok(false);
    }
    // There may be no folder for temporary files, and what is in them is nobody's business.
    sqlx::query("PRAGMA temp_store = MEMORY").execute(&mut *writer).await?;
    let rewritten = sqlx::query("VACUUM").execute(&mut *writer).await;
    sqlx::query("PRAGMA temp_store = DEFAULT").execute(&mut *writer).await?;
    rewritten.map(|_| true)
}
