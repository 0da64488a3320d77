//! How far the order of status events is settled on SQLite: up to the last commit, since there is one writer.

use super::backend::Connection;

/// The number up to which nothing can be added any more, and the last number of all. On SQLite they are equal.
pub(super) async fn event_ends(connection: &mut Connection) -> Result<(i64, i64), sqlx::Error> {
    let last = sql!(
        "SELECT COALESCE((SELECT MAX(seq) FROM status_events), (SELECT seq FROM status_events_begin)) AS \"seq!: i64\""
    );
    let last = last.fetch_one(connection).await?.seq;
    Ok((last, last))
}
