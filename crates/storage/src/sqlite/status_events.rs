//! The order of status events on SQLite. It is settled up to the last commit, since there is one writer.

use receiptd_domain::CorrelationId;

use super::backend::Connection;

/// The number up to which nothing can be added any more, and the last number of all. On SQLite they are equal.
pub(super) async fn event_ends(connection: &mut Connection) -> Result<(i64, i64), sqlx::Error> {
    let last = sql!(
        "SELECT COALESCE((SELECT MAX(seq) FROM status_events), (SELECT seq FROM status_events_begin)) AS \"seq!: i64\""
    );
    let last = last.fetch_one(connection).await?.seq;
    Ok((last, last))
}

/// Adds the event that the message `from` is replaced by `to`.
pub(super) async fn note_replacement(
    connection: &mut Connection,
    from: &CorrelationId,
    to: &CorrelationId,
) -> Result<(), sqlx::Error> {
    // It is the same before and after the change, so that the commit does not count it.
    sql!(
        "INSERT INTO message_changes (was_created_at, was_channel, was_status, was_code, created_at, channel, status, code, \
         is_event, correlation_id, is_sent, status_at, is_final, failure, reason, changed_at, replaced_by) \
         SELECT f.created_at, f.channel, f.status, f.code, f.created_at, f.channel, f.status, f.code, \
         1, f.correlation_id, 0, f.status_at, f.is_final, f.failure, f.reason, t.updated_at, t.correlation_id \
         FROM messages f JOIN messages t ON t.correlation_id = $2 WHERE f.correlation_id = $1",
        from.as_str(),
        to.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}
