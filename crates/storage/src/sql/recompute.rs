//! Parses stored notifications again, and finds the messages that do not match the result.

use std::collections::{BTreeMap, BTreeSet};

use receiptd_domain::{
    Address, CorrelationId, ERASED, Notification, Origin, PageLimit, StoredNotification, Timestamp, outcome, standings,
    worst_off,
};

use super::{
    adoption,
    dialect::{self, Connection},
    message_states::by_message,
    notifications::{notification, notifications_of},
    statements::recipient_rows,
    upsert::change,
};
use crate::{
    BodyParser, Recomputed, StorageError,
    rows::{MessageStatusRow, NotificationRow, RecipientRow, changes::RowChanges},
};

/// A message that does not match its notifications as they are parsed now.
pub(super) struct Finding {
    pub(super) restated: Recomputed,
    /// The notifications whose meaning changed, as they are parsed now, without their bodies.
    altered: Vec<NotificationRow>,
}

/// Examines the messages. Those whose deciding notification has been purged are skipped.
pub(super) async fn examine(
    connection: &mut Connection,
    ids: &[CorrelationId],
    read: &BodyParser,
) -> Result<Vec<Finding>, StorageError> {
    let folds = dialect::message_statuses(connection, ids).await?;
    let named = dialect::recipients_of(connection, ids).await?;
    let mut named = by_message(named, |row| (row.correlation_id, row.recipient));
    let mut readings = readings(connection, ids, read).await?;
    let mut findings = Vec::new();
    for fold in folds {
        let correlation_id = fold.id()?;
        let Readings { now, altered } = readings.remove(&fold.correlation_id).unwrap_or_default();
        let recipients = if fold.is_shared() { recipients(connection, &fold).await? } else { Vec::new() };
        if !fold.was_decided_by_any(&now) || !recipients.iter().all(|recipient| was_decided_by_any(recipient, &now)) {
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
        // The recipients of purged notifications stay, although no stored one names them.
        let stored = named.remove(&fold.correlation_id);
        let has_its_recipients = stored.is_none_or(|stored| are_named(&stored, &now, fold.origin()));
        if !(is_right && agree && has_its_recipients && altered.is_empty()) {
            findings.push(Finding { restated: Recomputed { correlation_id, from, to }, altered });
        }
    }
    Ok(findings)
}

/// Whether a message has the recipients that its notifications name, each once. A message that receiptd sent also has the one to
/// whom it was sent.
fn are_named(stored: &[Option<String>], now: &[StoredNotification], origin: Origin) -> bool {
    let stored: Vec<&str> = stored.iter().flatten().map(String::as_str).collect();
    let distinct: BTreeSet<&str> = stored.iter().copied().collect();
    let named = now.iter().filter_map(|one| one.notification.recipient.as_ref());
    let named: BTreeSet<&str> = named.map(Address::as_str).collect();
    let unnamed = usize::from(origin == Origin::Sent);
    stored.len() == distinct.len() && named.is_subset(&distinct) && distinct.len() - named.len() <= unnamed
}

/// The notifications of a message, without their bodies.
#[derive(Default)]
struct Readings {
    /// As they are parsed now.
    now: Vec<StoredNotification>,
    /// Those whose meaning changed, as they are parsed now.
    altered: Vec<NotificationRow>,
}

/// Parses the notifications of the messages. Bodies may be large, so they are read in pages and dropped one by one.
async fn readings(
    connection: &mut Connection,
    ids: &[CorrelationId],
    read: &BodyParser,
) -> Result<BTreeMap<String, Readings>, StorageError> {
    let mut all: BTreeMap<String, Readings> = BTreeMap::new();
    let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
    let mut after = None;
    loop {
        let (rows, is_last) = notifications_of(connection, ids, after.as_ref(), limit).await?;
        for row in rows {
            let (id, stored) = row.with_message()?;
            let notification = read_anew(&stored, read);
            let is_altered = notification != stored.notification;
            let fresh = StoredNotification { notification, body: Vec::new(), ..stored };
            let readings = all.entry(id.to_string()).or_default();
            readings.altered.extend(is_altered.then(|| NotificationRow::of(&id, &fresh, fresh.occurrences)));
            after = Some((id, fresh.fingerprint));
            readings.now.push(fresh);
        }
        if is_last {
            return Ok(all);
        }
    }
}

/// The standing of each recipient of a message with several recipients.
async fn recipients(connection: &mut Connection, fold: &MessageStatusRow) -> Result<Vec<RecipientRow>, StorageError> {
    let rows = recipient_rows!("WHERE correlation_id = $1 ORDER BY recipient", fold.correlation_id);
    Ok(rows.fetch_all(connection).await?)
}

/// Whether the notification that decided for a recipient is among these. Erased recipients cannot be distinguished from
/// each other, so the remaining notifications do not show the standing of an erased one.
fn was_decided_by_any(recipient: &RecipientRow, kept: &[StoredNotification]) -> bool {
    recipient.recipient != ERASED && kept.iter().any(|kept| recipient.precedence.ends_with(kept.fingerprint.as_bytes()))
}

/// The message of a notification was decided when it arrived, and does not change.
fn read_anew(stored: &StoredNotification, read: &BodyParser) -> Notification {
    let before = &stored.notification;
    let now = read(&stored.body).map(|now| Notification { reference: before.reference.clone(), ..now });
    now.unwrap_or_else(|| before.clone())
}

/// Stores the new meaning of the notifications of a message, and the message that follows from them.
pub(super) async fn write(
    connection: &mut Connection,
    finding: &Finding,
    at: Timestamp,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let id = &finding.restated.correlation_id;
    let mut replaced = Vec::with_capacity(finding.altered.len());
    for fresh in &finding.altered {
        let stored = notification(connection, &fresh.correlation_id, &fresh.fingerprint).await?;
        let stored = stored.ok_or(sqlx::Error::RowNotFound)?;
        let fresh = NotificationRow { body: stored.body.clone(), slot: stored.slot, ..fresh.clone() };
        replaced.push((stored, fresh));
    }
    change(connection, &replaced, changes).await?;
    let later = sql!(
        "UPDATE messages SET updated_at = $2 WHERE correlation_id = $1 AND updated_at < $2 RETURNING created_at",
        id.as_str(),
        at.as_micros()
    );
    if let Some(row) = later.fetch_optional(&mut *connection).await? {
        changes.times(id.as_str(), row.created_at, at.as_micros());
    }
    adoption::recompute_one(connection, id).await?;
    Ok(())
}
