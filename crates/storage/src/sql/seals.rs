//! Status events that the hash chain covers.
//!
//! Events are written by triggers, or by the commit itself. So they are read again and sealed soon afterwards, many with one
//! digest.

use receiptd_domain::ChangeKind;

use super::{dialect::Connection, statements::status_event_rows};
use crate::{
    StorageError,
    rows::{SealRow, StatusEventRow, changes::RowChanges},
};

/// Locks the seals, so that instances seal, trim and erase one after the other. Returns the number up to which events have
/// been trimmed.
pub(super) async fn lock(connection: &mut Connection) -> Result<i64, sqlx::Error> {
    let begin = sql!("UPDATE status_events_begin SET id = id RETURNING seq");
    Ok(begin.fetch_optional(connection).await?.map_or(0, |row| row.seq))
}

/// The number of the last sealed event. 0 if there is none.
pub(super) async fn last(connection: &mut Connection) -> Result<i64, sqlx::Error> {
    let last = sql!("SELECT COALESCE(MAX(up_to), 0) AS \"seq!: i64\" FROM status_event_seals");
    Ok(last.fetch_one(connection).await?.seq)
}

/// The seals up to this number, in order.
pub(super) async fn up_to(connection: &mut Connection, seq: i64) -> Result<Vec<SealRow>, sqlx::Error> {
    let seals =
        sql_as!(SealRow, "SELECT begins_after, up_to FROM status_event_seals WHERE up_to <= $1 ORDER BY up_to", seq);
    seals.fetch_all(connection).await
}

pub(super) async fn add(connection: &mut Connection, seal: &SealRow) -> Result<(), sqlx::Error> {
    sql!("INSERT INTO status_event_seals (begins_after, up_to) VALUES ($1, $2)", seal.begins_after, seal.up_to)
        .execute(connection)
        .await?;
    Ok(())
}

/// The events of a seal.
pub(super) async fn events(connection: &mut Connection, seal: &SealRow) -> Result<Vec<StatusEventRow>, sqlx::Error> {
    let events = status_event_rows!(
        "SELECT ",
        " FROM status_events WHERE seq > $1 AND seq <= $2 ORDER BY seq",
        seal.begins_after,
        seal.up_to
    );
    events.fetch_all(connection).await
}

/// Replaces the reason of an event. The seals must be locked.
pub(super) async fn replace_reason(
    connection: &mut Connection,
    seq: i64,
    reason: &str,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let seal = sql_as!(
        SealRow,
        "SELECT begins_after, up_to FROM status_event_seals WHERE up_to >= $1 ORDER BY up_to LIMIT 1",
        seq
    );
    let seal = seal.fetch_optional(&mut *connection).await?.filter(|seal| seal.begins_after < seq);
    if let Some(seal) = &seal {
        changes.sealed(ChangeKind::Removed, seal, &events(connection, seal).await?);
    }
    sql!("UPDATE status_events SET reason = $2 WHERE seq = $1", seq, reason).execute(&mut *connection).await?;
    if let Some(seal) = &seal {
        changes.sealed(ChangeKind::Added, seal, &events(connection, seal).await?);
    }
    Ok(())
}
