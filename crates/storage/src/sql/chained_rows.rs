//! Reads all rows that the hash chain covers.

use futures_util::TryStreamExt;
use receiptd_domain::{BodySignature, ChainedTable, Fingerprint, JournalPosition, Writer};

use super::{
    attestations, blocks,
    dialect::Connection,
    message_states::message_state,
    seals,
    statements::{audit_rows, quarantine_rows, slot_rows, step_rows},
};
use crate::{
    ChainVisitor, ChainedRow, StorageError, WaitingBatch,
    rows::{
        EventRow, InboundRow, Place, QuarantineRow, SealRow, SlotRow,
        audit::AuditRow,
        digest::{self, Chained},
        journal::JournalRow,
        outbox::RequestRow,
    },
};

/// How many notifications are read at a time.
const NOTIFICATIONS: i64 = 256;
/// How many attestations are read at a time.
const ATTESTATIONS: i64 = 500;

/// Shows a row to the observer.
fn show_row(
    observer: &mut dyn ChainVisitor,
    table: ChainedTable,
    (key, digest): Chained,
    occurrences: i64,
    name: &dyn Fn() -> String,
) {
    observer.row(&ChainedRow { table, key, digest, occurrences, name });
}

/// Shows a body that came with a signature.
fn show_body(observer: &mut dyn ChainVisitor, body: &[u8], signature: &[u8]) {
    if let Some(signature) = BodySignature::from_bytes(signature) {
        observer.signed_body(body, &signature);
    }
}

pub(super) async fn show(snapshot: &mut Connection, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
    show_notifications(snapshot, observer).await?;
    let mut rows = step_rows!("SELECT ", " FROM dispatch_events").fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        let name = || format!("{} {}", row.correlation_id, row.step);
        show_row(observer, ChainedTable::DispatchEvents, digest::step(&row), 1, &name);
    }
    drop(rows);
    let mut rows = sql!("SELECT correlation_id, salt, channel, request, expire_at FROM outbox").fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        let request = RequestRow {
            correlation_id: &row.correlation_id,
            salt: row.salt,
            channel: &row.channel,
            request: &row.request,
            expire_at: row.expire_at,
        };
        show_row(observer, ChainedTable::Outbox, digest::request(&request), 1, &|| row.correlation_id.clone());
    }
    drop(rows);
    let mut rows = sql!("SELECT actor, key, correlation_id FROM idempotency_keys").fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        let chained = digest::idempotency_key(&row.actor, &row.key, &row.correlation_id);
        let name = || format!("{} {}", row.actor, row.key);
        show_row(observer, ChainedTable::IdempotencyKeys, chained, 1, &name);
    }
    drop(rows);
    for row in sql!("SELECT name, key FROM keys").fetch_all(&mut *snapshot).await? {
        show_row(observer, ChainedTable::Keys, digest::key(&row.name, &row.key), 1, &|| row.name.clone());
    }
    show_archives(snapshot, observer).await?;
    show_attestations(snapshot, observer).await?;
    let begin = sql!("SELECT seq FROM status_events_begin").fetch_all(&mut *snapshot).await?;
    for row in begin.iter().filter(|row| row.seq != 0) {
        show_row(observer, ChainedTable::StatusEventsBegin, digest::trimmed(row.seq), 1, &|| "1".to_owned());
    }
    let seals = sql_as!(SealRow, "SELECT begins_after, up_to FROM status_event_seals ORDER BY up_to");
    for seal in seals.fetch_all(&mut *snapshot).await? {
        let chained = digest::sealed(&seal, &seals::events(snapshot, &seal).await?);
        let name = || format!("{} to {}", seal.begins_after.saturating_add(1), seal.up_to);
        show_row(observer, ChainedTable::StatusEvents, chained, 1, &name);
    }
    show_journal(snapshot, observer).await
}

/// In the order of their contents, so that each block is read once.
async fn show_notifications(snapshot: &mut Connection, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
    let (mut block, mut position) = (i64::MIN, i64::MIN);
    loop {
        let rows = slot_rows!(
            "SELECT ",
            " FROM notifications WHERE (block, position) > ($1, $2) ORDER BY block, position LIMIT $3",
            block,
            position,
            NOTIFICATIONS
        );
        let rows = rows.fetch_all(&mut *snapshot).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        (block, position) = (last.block, last.position);
        for read in blocks::read(snapshot, rows, true).await? {
            let (chained, row) = match read {
                Ok(row) => {
                    show_body(observer, &row.body, &row.signature);
                    (digest::notification(&row), row.slot_row())
                }
                // Without its content, it has another digest.
                Err(row) => ((digest::notification_key(row.key()), Fingerprint::default()), row),
            };
            let name = || format!("{} {}", row.correlation_id, hex::encode(chained.0.part));
            show_row(observer, ChainedTable::Notifications, chained, row.occurrences, &name);
        }
    }
}

/// The rows that belong to no message.
async fn show_archives(snapshot: &mut Connection, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
    let mut rows = sql_as!(
        InboundRow,
        "SELECT fingerprint, salt, received_at, source, occurrences, channel, event, sender, transaction_id, body, signature FROM inbound"
    )
    .fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        let name = || hex::encode(&row.fingerprint);
        show_body(observer, &row.body, row.signature.as_deref().unwrap_or_default());
        show_row(observer, ChainedTable::Inbound, digest::inbound(&row), row.occurrences, &name);
    }
    drop(rows);
    let mut rows = quarantine_rows!("SELECT ", " FROM quarantine",).fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        let name = || hex::encode(&row.fingerprint);
        show_body(observer, &row.body, row.signature.as_deref().unwrap_or_default());
        show_row(observer, ChainedTable::Quarantine, digest::quarantined(&row), row.occurrences, &name);
    }
    drop(rows);
    let mut rows = audit_rows!("SELECT ", " FROM audit_log",).fetch(snapshot);
    while let Some(row) = rows.try_next().await? {
        show_row(observer, ChainedTable::AuditLog, digest::audit_entry(&row), row.count, &|| row.name());
    }
    Ok(())
}

async fn show_attestations(snapshot: &mut Connection, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
    let (mut id, mut transaction) = (String::new(), String::new());
    loop {
        let rows = sql!(
            "SELECT correlation_id, transaction_id FROM attestations WHERE (correlation_id, transaction_id) > ($1, $2) \
             ORDER BY correlation_id, transaction_id LIMIT $3",
            id,
            transaction,
            ATTESTATIONS
        );
        let rows = rows.fetch_all(&mut *snapshot).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        (id, transaction) = (last.correlation_id.clone(), last.transaction_id.clone());
        for row in rows {
            let (id, transaction) = (row.correlation_id.as_str(), row.transaction_id.as_str());
            let digest = if transaction.is_empty() {
                message_state(snapshot, id).await?.map(|state| state.digest()).unwrap_or_default()
            } else {
                attestations::of_transaction(id, transaction)
            };
            let chained = (digest::attestation_key(id, transaction), digest);
            show_row(observer, ChainedTable::Attestations, chained, 1, &|| id.to_owned());
        }
    }
}

async fn show_journal(snapshot: &mut Connection, observer: &mut dyn ChainVisitor) -> Result<(), StorageError> {
    let writers = sql!("SELECT DISTINCT writer FROM journal").fetch_all(&mut *snapshot).await?;
    for row in writers {
        let mut rows = sql_as!(
            JournalRow,
            "SELECT sequence, appended_at, zone, records, projected, size, payload, digest FROM journal WHERE writer = $1 \
             ORDER BY sequence",
            row.writer
        )
        .fetch(&mut *snapshot);
        while let Some(batch) = rows.try_next().await? {
            let position = position(&row.writer, batch.sequence)?;
            let digest = Fingerprint::from_bytes(&batch.digest).unwrap_or_default();
            let is_intact = digest == batch.expected_digest(position);
            observer.batch(&WaitingBatch { position, projected: batch.projected, digest, is_intact });
        }
    }
    Ok(())
}

/// The position of a stored batch of the journal.
pub(super) fn position(writer: &[u8], sequence: i64) -> Result<JournalPosition, StorageError> {
    let at = Place { table: "journal", row: &format!("{} {sequence}", hex::encode(writer)) };
    Ok(JournalPosition { writer: at.read("writer", writer.try_into().ok().map(Writer::new))?, sequence })
}
