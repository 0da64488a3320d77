//! How far the order of changes is settled, as SQLite knows it: with one writer, up to the last commit.

use super::Connection;

/// Up to which number nothing can be added any more, and the last number of all: here that is one.
pub(super) async fn ends(connection: &mut Connection) -> Result<(i64, i64), sqlx::Error> {
    let last = sql!(
        "SELECT COALESCE((SELECT MAX(seq) FROM status_events), (SELECT seq FROM status_events_begin)) AS \"seq!: i64\""
    );
    let last = last.fetch_one(connection).await?.seq;
    Ok((last, last))
}
