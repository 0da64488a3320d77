//! The order of status events on SQLite. It is settled up to the last commit, since there is one writer.

use receiptd_domain::CorrelationId;

use super::{backend::Connection, sql::statements::insert_replacement};

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
    insert_replacement!(
        "1 + COALESCE((SELECT MAX(seq) FROM status_events), (SELECT seq FROM status_events_begin))",
        from.as_str(),
        to.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}
