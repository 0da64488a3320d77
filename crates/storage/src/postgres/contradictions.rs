//! Compares the counters with the messages on Postgres.

use super::{backend::Connection, sql::statements::miscounted};

/// A counter that differs from the number of messages, as text.
pub(super) async fn miscounted(snapshot: &mut Connection) -> Result<Option<String>, sqlx::Error> {
    Ok(miscounted!().fetch_optional(snapshot).await?.map(|row| row.key))
}

/// Triggers count every change at once.
pub(super) async fn unfinished_changes(_: &mut Connection) -> Result<Option<String>, sqlx::Error> {
    Ok(None)
}

/// The number of a status event that was never given out, and what was done to the event. Transactions that were rolled back
/// leave holes, so a missing number shows nothing.
pub(super) async fn misnumbered_event(
    snapshot: &mut Connection,
) -> Result<Option<(&'static str, String)>, sqlx::Error> {
    let beyond = sql!(
        "SELECT CAST(e.seq AS TEXT) AS \"key!: String\" FROM status_events e \
         WHERE e.seq > (SELECT last_value FROM status_events_seq) LIMIT 1"
    );
    Ok(beyond.fetch_optional(snapshot).await?.map(|row| ("inserted", row.key)))
}
