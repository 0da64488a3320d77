//! Merges notifications into their messages, also into those with several recipients.
//!
//! Most messages have one recipient, and one upsert merges them. If the notifications of another system's message name
//! several recipients, `recipient_standings` contains the standing of each, and the message is computed from these
//! (`domain::worst_off`). So a message with very many recipients costs no more than one with two, and purged
//! notifications are still accounted for.

use receiptd_domain::{
    Channel, CorrelationId, Failure, Outcome, RecipientKey, Standing, StoredNotification, TransactionId, standings,
    worst_off,
};

use super::{
    dialect::{self, Connection},
    notifications::notifications_without_bodies,
    statements::recipient_rows,
};
use crate::{
    StorageError,
    rows::{
        RecipientRow, SharedRow,
        batch::{Addition, Entry, additions},
    },
};

/// Merges the entries, which are stored already, into their messages.
pub(super) async fn merge(connection: &mut Connection, entries: &[Entry<'_>]) -> Result<(), StorageError> {
    let additions = additions(entries);
    let rows: Vec<_> = additions.iter().map(Addition::row).collect();
    dialect::merge_messages(connection, &rows).await?;
    let shared = dialect::shared_messages(connection, &additions).await?;
    if shared.is_empty() {
        return Ok(());
    }
    let row_of = |addition: &Addition| shared.iter().find(|row| row.correlation_id == addition.correlation_id.as_str());
    let concerned: Vec<_> = additions.iter().filter_map(|addition| Some((addition, row_of(addition)?))).collect();
    let named: Vec<_> = concerned.iter().map(|(addition, _)| *addition).collect();
    dialect::note_recipients(connection, &named).await?;
    let sent = concerned.iter().filter(|(addition, row)| row.is_sent && addition.names_several());
    let sent: Vec<_> = sent.map(|(addition, _)| addition.row_of_one()).collect();
    if !sent.is_empty() {
        dialect::merge_messages(connection, &sent).await?;
    }
    for (addition, row) in concerned.iter().filter(|(_, row)| !row.is_sent) {
        let id = &addition.correlation_id;
        let entries = entries.iter().filter(|entry| entry.correlation_id == *id).map(|entry| entry.stored);
        merge_shared(connection, id, row, entries).await?;
    }
    Ok(())
}

/// Merges notifications into a message with several recipients.
async fn merge_shared(
    connection: &mut Connection,
    id: &CorrelationId,
    row: &SharedRow,
    stored: impl Iterator<Item = &StoredNotification>,
) -> Result<(), StorageError> {
    let rows = if row.has_standings { rows(id, standings(stored)) } else { first_standings(connection, id).await? };
    dialect::merge_recipients(connection, &rows).await?;
    decide(connection, id).await
}

/// The standing of each recipient of a message that turns out to have several. It is computed from all notifications,
/// and from the previous standing if the notification that decided it has been purged.
async fn first_standings(connection: &mut Connection, id: &CorrelationId) -> Result<Vec<RecipientRow>, StorageError> {
    let notifications = notifications_without_bodies(connection, id).await?;
    let mut standings = standings(&notifications);
    let known = sql_as!(
        RecipientRow,
        "SELECT correlation_id, COALESCE(recipient, '') AS \"recipient!: String\", precedence AS severity, \
         is_final AS is_open, precedence, status, failure, code, reason, channel, transaction_id FROM messages \
         WHERE correlation_id = $1",
        id.as_str()
    );
    let known = known.fetch_optional(&mut *connection).await?;
    let known = known.as_ref().and_then(|row| Some((row.key(), row.standing()?)));
    if let Some((key, standing)) = known {
        let is_kept = |stored: &StoredNotification| stored.fingerprint == standing.precedence.fingerprint;
        if !notifications.iter().any(is_kept) {
            let recipient = match &key {
                RecipientKey::Named(address) => Some(address),
                RecipientKey::Unnamed | RecipientKey::Devices => None,
            };
            let key = RecipientKey::on(standing.channel.as_ref(), recipient);
            let merged = match standings.remove(&key) {
                Some(other) => Standing::merge(standing, other),
                None => standing,
            };
            standings.insert(key, merged);
        }
    }
    Ok(rows(id, standings))
}

fn rows(id: &CorrelationId, standings: impl IntoIterator<Item = (RecipientKey, Standing)>) -> Vec<RecipientRow> {
    standings.into_iter().map(|(key, standing)| RecipientRow::of(id, &key, &standing)).collect()
}

/// Sets the status of the message to that of its worst-off recipient.
async fn decide(connection: &mut Connection, id: &CorrelationId) -> Result<(), StorageError> {
    let decisive = recipient_rows!(
        "WHERE correlation_id = $1 AND recipient IN (SELECT '' UNION ALL \
         SELECT recipient FROM (SELECT recipient FROM recipient_standings WHERE correlation_id = $1 AND recipient <> '' \
             ORDER BY severity DESC LIMIT 2) AS worst UNION ALL \
         SELECT recipient FROM (SELECT recipient FROM recipient_standings WHERE correlation_id = $1 AND is_open = 1 \
             LIMIT 1) AS unsettled)",
        id.as_str()
    );
    let decisive = decisive.fetch_all(&mut *connection).await?;
    let standings: Vec<_> = decisive.iter().filter_map(|row| Some((row.key(), row.standing()?))).collect();
    match worst_off(standings.iter().map(|(key, standing)| (key, standing))) {
        Some(outcome) => write(connection, id, &outcome).await,
        None => Ok(()),
    }
}

async fn write(connection: &mut Connection, id: &CorrelationId, outcome: &Outcome) -> Result<(), StorageError> {
    let standing = &outcome.standing;
    sql!(
        "UPDATE messages SET channel = $2, transaction_id = $3, status = $4, precedence = $5, status_at = $6, \
         is_final = $7, failure = $8, code = $9, reason = $10 WHERE correlation_id = $1 AND dispatch IS NULL",
        id.as_str(),
        standing.channel.as_ref().map(Channel::to_string),
        standing.transaction_id.as_ref().map(TransactionId::to_string),
        standing.status.as_str(),
        outcome.precedence(),
        standing.precedence.at.as_micros(),
        i64::from(outcome.is_final),
        standing.failure.map(Failure::as_str),
        standing.code,
        standing.reason
    )
    .execute(connection)
    .await?;
    Ok(())
}
