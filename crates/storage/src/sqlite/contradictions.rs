//! Compares the counters with the messages on SQLite, and finds holes in the order of status events.

use super::{backend::Connection, sql::statements::miscounted};

/// A counter that differs from the number of messages, as text.
pub(super) async fn miscounted(snapshot: &mut Connection) -> Result<Option<String>, sqlx::Error> {
    Ok(miscounted!().fetch_optional(snapshot).await?.map(|row| row.key))
}

/// A change of a message that was not counted by the commit that made it.
pub(super) async fn unfinished_changes(snapshot: &mut Connection) -> Result<Option<String>, sqlx::Error> {
    let change = sql!("SELECT CAST(id AS TEXT) AS \"key!: String\" FROM message_changes LIMIT 1");
    Ok(change.fetch_optional(snapshot).await?.map(|row| row.key))
}

/// The first number that no status event has, although later ones exist, and what was done to the event. There is one writer,
/// so all numbers are used.
pub(super) async fn misnumbered_event(
    snapshot: &mut Connection,
) -> Result<Option<(&'static str, String)>, sqlx::Error> {
    let missing = sql!(
        "SELECT CAST(before.seq + 1 AS TEXT) AS \"key!: String\" FROM (SELECT seq FROM status_events_begin UNION ALL \
             SELECT seq FROM status_events) AS before \
         WHERE before.seq < (SELECT MAX(seq) FROM status_events) \
         AND NOT EXISTS (SELECT 1 FROM status_events e WHERE e.seq = before.seq + 1) ORDER BY before.seq LIMIT 1"
    );
    Ok(missing.fetch_optional(snapshot).await?.map(|row| ("removed", row.key)))
}
