//! The order of status events on Postgres, and how far it is settled: many transactions run at a time and commit in any
//! order.

use receiptd_domain::CorrelationId;

use super::backend::Connection;

/// The number up to which nothing can be added any more, and the last number of all. Two statements in this order: a
/// transaction that announces itself after the first draws greater numbers. A transaction that announced itself before
/// is seen by the second, or has committed and is seen later.
pub(super) async fn event_ends(connection: &mut Connection) -> Result<(i64, i64), sqlx::Error> {
    let drawn = sql!("SELECT last_value AS \"seq!\" FROM status_events_seq").fetch_one(&mut *connection).await?.seq;
    let announced = sql!(
        "SELECT MIN(((classid::bigint & 65535) << 32) | objid::bigint) AS seq FROM pg_locks \
         WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = 29537 \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    let announced = announced.fetch_one(connection).await?.seq;
    Ok((announced.map_or(drawn, |announced| announced.min(drawn)), drawn))
}

/// Adds the event that the message `from` is replaced by `to`.
pub(super) async fn note_replacement(
    connection: &mut Connection,
    from: &CorrelationId,
    to: &CorrelationId,
) -> Result<(), sqlx::Error> {
    sql!("SELECT announce_changes()").execute(&mut *connection).await?;
    sql!(
        "INSERT INTO status_events (seq, correlation_id, is_sent, channel, status, status_at, is_final, failure, code, \
         reason, changed_at, replaced_by) \
         SELECT nextval('status_events_seq'), f.correlation_id, 0, f.channel, f.status, f.status_at, f.is_final, f.failure, \
         f.code, f.reason, t.updated_at, t.correlation_id FROM messages f JOIN messages t ON t.correlation_id = $2 \
         WHERE f.correlation_id = $1",
        from.as_str(),
        to.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}
