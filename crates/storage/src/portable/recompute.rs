//! Reads stored notifications anew, and finds the messages that are not as these read now.

use std::collections::BTreeMap;

use receiptd_domain::{
    CorrelationId, ERASED, Notification, PageLimit, RowKey, StoredNotification, Timestamp, outcome, standings,
    worst_off,
};

use super::{
    Connection, adoption, archive::count, messages::notification, reads, recipients::recipient_rows, upsert::change,
};
use crate::{
    BodyParser, Recomputed, StorageError,
    row_changes::RowChanges,
    rows::{MessageStatusRow, NotificationRow, RecipientRow},
};

/// A message that is not as its notifications read now.
pub(super) struct Finding {
    pub(super) restated: Recomputed,
    /// The notifications that read otherwise, as they read now, without their bodies.
    altered: Vec<NotificationRow>,
}

/// What messages were found to be.
pub(super) struct Examined {
    pub(super) findings: Vec<Finding>,
    /// How many are as their notifications say.
    pub(super) right: u64,
    /// How many were left alone, since a notification that decided is no longer kept.
    pub(super) unverifiable: u64,
    /// Of these, the notifications that decided according to the messages, and are not there.
    pub(super) deciders: Vec<RowKey>,
}

/// Looks the messages through. Without `read`, notifications mean what they meant when they came, and no body is read.
pub(super) async fn examine(
    connection: &mut Connection,
    ids: &[CorrelationId],
    read: Option<&BodyParser>,
) -> Result<Examined, StorageError> {
    let folds = reads::folds(connection, ids).await?;
    let mut readings = readings(connection, ids, read).await?;
    let mut examined = Examined { findings: Vec::new(), right: 0, unverifiable: 0, deciders: Vec::new() };
    for fold in folds {
        let correlation_id = fold.id()?;
        let Readings { now, altered } = readings.remove(&fold.correlation_id).unwrap_or_default();
        let recipients = if fold.is_shared() { recipients(connection, &fold).await? } else { Vec::new() };
        let is_decided = fold.was_decided_by_any(&now);
        if !is_decided || !recipients.iter().all(|recipient| was_decided_by_any(recipient, &now)) {
            examined.unverifiable += 1;
            examined.deciders.extend((!is_decided).then(|| fold.decider()));
            continue;
        }
        let from = fold.status()?;
        let (expected, agree) = if fold.is_shared() {
            let standings = standings(&now);
            let rows = standings.iter().map(|(key, standing)| RecipientRow::of(&correlation_id, key, standing));
            let mut rows: Vec<_> = rows.collect();
            rows.sort_unstable_by(|one, other| one.recipient.cmp(&other.recipient));
            (worst_off(&standings), rows == recipients)
        } else {
            (outcome(fold.origin(), &now), true)
        };
        let (to, is_right) = fold.compare(expected.as_ref())?;
        if is_right && agree && altered.is_empty() {
            examined.right += 1;
        } else {
            examined.findings.push(Finding { restated: Recomputed { correlation_id, from, to }, altered });
        }
    }
    Ok(examined)
}

/// The notifications of a message, without their bodies.
#[derive(Default)]
struct Readings {
    /// As they read now.
    now: Vec<StoredNotification>,
    /// Those that read otherwise, as they read now.
    altered: Vec<NotificationRow>,
}

/// Reads the notifications of the messages. Bodies may be large, so they are read in pages, and one by one let go of.
async fn readings(
    connection: &mut Connection,
    ids: &[CorrelationId],
    read: Option<&BodyParser>,
) -> Result<BTreeMap<String, Readings>, StorageError> {
    let mut all: BTreeMap<String, Readings> = BTreeMap::new();
    let Some(read) = read else {
        for row in reads::notifications_without_bodies_of(connection, ids).await? {
            all.entry(row.correlation_id.clone()).or_default().now.push(row.recorded()?);
        }
        return Ok(all);
    };
    let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
    let mut after = None;
    loop {
        let sizes = reads::sizes_of(connection, ids, after.as_ref(), count(limit.get())).await?;
        let most = limit.fitting(&sizes);
        for row in reads::notifications_of(connection, ids, after.as_ref(), count(most)).await? {
            let (id, recorded) = row.with_message()?;
            let notification = read_anew(&recorded, read);
            let is_altered = notification != recorded.notification;
            let fresh = StoredNotification { notification, body: Vec::new(), ..recorded };
            let readings = all.entry(id.to_string()).or_default();
            readings.altered.extend(is_altered.then(|| NotificationRow::of(&id, &fresh, fresh.occurrences)));
            after = Some((id, fresh.fingerprint));
            readings.now.push(fresh);
        }
        if most == sizes.len() && most < limit.get() {
            return Ok(all);
        }
    }
}

/// Where a message with several recipients stands for each of them.
async fn recipients(connection: &mut Connection, fold: &MessageStatusRow) -> Result<Vec<RecipientRow>, StorageError> {
    let rows = recipient_rows!("WHERE correlation_id = $1 ORDER BY recipient", fold.correlation_id);
    Ok(rows.fetch_all(connection).await?)
}

/// Whether the notification that decided for a recipient is among these. Who was erased cannot be told from others who
/// were, so what is left does not tell where the message stands for them.
fn was_decided_by_any(recipient: &RecipientRow, kept: &[StoredNotification]) -> bool {
    recipient.recipient != ERASED && kept.iter().any(|kept| recipient.precedence.ends_with(kept.fingerprint.as_bytes()))
}

/// Whose it is was decided when it came, and stays.
fn read_anew(recorded: &StoredNotification, read: &BodyParser) -> Notification {
    let before = &recorded.notification;
    let now = read(&recorded.body).map(|now| Notification { reference: before.reference.clone(), ..now });
    now.unwrap_or_else(|| before.clone())
}

/// Writes down how the notifications of a message read now, and what it is then.
pub(super) async fn write(
    connection: &mut Connection,
    finding: &Finding,
    at: Timestamp,
    records: &mut RowChanges,
) -> Result<(), StorageError> {
    let id = &finding.restated.correlation_id;
    for fresh in &finding.altered {
        let stored = notification(connection, &fresh.correlation_id, &fresh.fingerprint).await?;
        let stored = stored.ok_or(sqlx::Error::RowNotFound)?;
        let fresh = NotificationRow { body: stored.body.clone(), ..fresh.clone() };
        change(connection, &stored, &fresh, records).await?;
    }
    sql!(
        "UPDATE messages SET updated_at = $2 WHERE correlation_id = $1 AND updated_at < $2",
        id.as_str(),
        at.as_micros()
    )
    .execute(&mut *connection)
    .await?;
    adoption::recompute_one(connection, id).await?;
    Ok(())
}
