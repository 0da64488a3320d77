//! Removes a person. What is counted elsewhere (messages, statuses, codes) stays; what is chained is chained anew.

use async_trait::async_trait;

use super::{
    Backend, Connection, append, keep::change, messages::notification_rows, recipients::recipient_rows, trail::note,
};
use crate::{
    domain::{CorrelationId, ERASED, ERASED_BODY, Fate, Fingerprint, Person, RecipientKey, TrailEntry},
    storage::{
        Erased, Erasure, StorageError,
        chain::{EventRow, Records},
        rows::{NotificationRow, RecipientRow},
    },
};

/// What stands in the place of a request to send: no such request is ever asked for again.
const NO_REQUEST: &str = "{}";

#[async_trait]
impl Erasure for Backend {
    async fn messages_to(
        &self,
        person: &Person,
        after: Option<&CorrelationId>,
        limit: i64,
    ) -> Result<Vec<CorrelationId>, StorageError> {
        let found = sql!(
            "SELECT correlation_id AS \"correlation_id!: String\" FROM (\
             SELECT correlation_id FROM messages WHERE recipient = $1 \
             UNION SELECT correlation_id FROM recipients WHERE recipient = $1) AS found \
             WHERE correlation_id > $2 ORDER BY correlation_id LIMIT $3",
            person.address().as_str(),
            after.map_or("", CorrelationId::as_str),
            limit
        );
        let found = found.fetch_all(&self.read).await?.into_iter();
        Ok(found.filter_map(|row| CorrelationId::new(&row.correlation_id).ok()).collect())
    }

    async fn erase_messages(
        &self,
        person: &Person,
        ids: &[CorrelationId],
        entry: Option<&TrailEntry>,
    ) -> Result<Erased, StorageError> {
        let mut unit = self.begin().await?;
        let mut records = Records::default();
        let mut erased = Erased::default();
        for id in ids {
            erase_message(&mut unit, person, id.as_str(), entry.is_none(), &mut erased, &mut records).await?;
        }
        // Without an entry nothing is committed.
        if let Some(entry) = entry {
            note(&mut unit, entry, erased.messages).await?;
            self.commit(unit, &records).await?;
            self.changed.send_replace(());
        } else {
            unit.rollback().await?;
        }
        Ok(erased)
    }

    async fn erase_inbound(
        &self,
        person: &Person,
        limit: i64,
        entry: Option<&TrailEntry>,
    ) -> Result<i64, StorageError> {
        let address = person.address().as_str();
        let Some(entry) = entry else {
            let count = sql!("SELECT COUNT(*) AS \"n!: i64\" FROM inbound WHERE sender = $1", address);
            return Ok(count.fetch_one(&self.read).await?.n);
        };
        let mut unit = self.begin().await?;
        let done = sql!(
            "UPDATE inbound SET sender = $2, body = $3 WHERE fingerprint IN \
             (SELECT fingerprint FROM inbound WHERE sender = $1 LIMIT $4)",
            address,
            ERASED,
            ERASED_BODY,
            limit
        );
        let rows = i64::try_from(done.execute(&mut *unit).await?.rows_affected()).unwrap_or(i64::MAX);
        note(&mut unit, entry, rows).await?;
        unit.commit().await?;
        Ok(rows)
    }

    async fn erase_changes(
        &self,
        person: &Person,
        after: i64,
        limit: i64,
        entry: Option<&TrailEntry>,
    ) -> Result<(i64, Option<i64>), StorageError> {
        let looked = sql!("SELECT seq, reason FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2", after, limit);
        let looked = looked.fetch_all(&self.read).await?;
        let last = looked.last().map(|row| row.seq);
        let is_named = |reason: &String| person.is_named_in(reason.as_bytes());
        let found: Vec<_> = looked.into_iter().filter(|row| row.reason.as_ref().is_some_and(is_named)).collect();
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        if let Some(entry) = entry.filter(|_| count > 0) {
            let mut unit = self.begin().await?;
            for row in &found {
                sql!("UPDATE changes SET reason = $2 WHERE seq = $1", row.seq, ERASED).execute(&mut *unit).await?;
            }
            note(&mut unit, entry, count).await?;
            unit.commit().await?;
        }
        Ok((count, last))
    }

    async fn erase_quarantine(
        &self,
        person: &Person,
        after: Option<Fingerprint>,
        limit: i64,
        entry: Option<&TrailEntry>,
    ) -> Result<(i64, Option<Fingerprint>), StorageError> {
        let after = after.map(|after| after.as_bytes().to_vec()).unwrap_or_default();
        let looked = sql!(
            "SELECT fingerprint, body FROM quarantine WHERE fingerprint > $1 ORDER BY fingerprint LIMIT $2",
            after,
            limit
        );
        let looked = looked.fetch_all(&self.read).await?;
        let last = looked.last().and_then(|row| Fingerprint::from_bytes(&row.fingerprint));
        let found: Vec<_> = looked.into_iter().filter(|row| person.is_named_in(&row.body)).collect();
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        if let Some(entry) = entry.filter(|_| count > 0) {
            let mut unit = self.begin().await?;
            for row in &found {
                sql!("UPDATE quarantine SET body = $2 WHERE fingerprint = $1", row.fingerprint, ERASED_BODY)
                    .execute(&mut *unit)
                    .await?;
            }
            note(&mut unit, entry, count).await?;
            unit.commit().await?;
        }
        Ok((count, last))
    }
}

async fn erase_message(
    connection: &mut Connection,
    person: &Person,
    id: &str,
    only_count: bool,
    erased: &mut Erased,
    records: &mut Records,
) -> Result<(), StorageError> {
    let address = person.address().as_str();
    let alone = sql!(
        "SELECT m.correlation_id FROM messages m WHERE m.correlation_id = $1 AND m.recipient = $2 \
         AND NOT EXISTS (SELECT 1 FROM recipients r WHERE r.correlation_id = $1 AND r.recipient <> $2)",
        id,
        address
    );
    let alone = alone.fetch_optional(&mut *connection).await?.is_some();
    if !erase_request(connection, id, only_count, erased).await? {
        return Ok(());
    }
    let rows = notification_rows!("SELECT ", " FROM notifications WHERE correlation_id = $1", id);
    for row in rows.fetch_all(&mut *connection).await? {
        let concerned = alone || row.recipient.as_deref() == Some(address) || person.is_named_in(&row.body);
        if concerned && row.body != ERASED_BODY {
            let new = without(person, &row);
            erased.notifications += i64::from(change(connection, &row, &new, records).await?);
        }
    }
    erased.steps += erase_steps(connection, person, id, records).await?;
    erase_standing(connection, person, id, alone).await?;
    erased.messages += 1;
    Ok(())
}

/// Removes what was asked to be sent, with the text; says whether that could be done. It is needed while it is on its
/// way, and goes when this is asked for once more. Where it waits, and this only counts, it would be called back first.
async fn erase_request(
    connection: &mut Connection,
    id: &str,
    only_count: bool,
    erased: &mut Erased,
) -> Result<bool, StorageError> {
    let request = sql!(
        "UPDATE outbox SET request = $2 WHERE correlation_id = $1 AND lease_until IS NULL AND (CAST($3 AS BIGINT) = 1 OR due_at IS NULL)",
        id,
        NO_REQUEST,
        i64::from(only_count)
    );
    if request.execute(&mut *connection).await?.rows_affected() == 1 {
        erased.requests += 1;
        return Ok(true);
    }
    let waits = sql!("SELECT correlation_id FROM outbox WHERE correlation_id = $1", id);
    let waits = waits.fetch_optional(connection).await?.is_some();
    erased.under_way += i64::from(waits);
    Ok(!waits)
}

/// A notification without the person.
fn without(person: &Person, row: &NotificationRow) -> NotificationRow {
    let text = |text: &Option<String>| text.as_ref().map(|text| unless_named(person, text));
    NotificationRow {
        recipient: row.recipient.as_ref().map(|_| ERASED.to_owned()),
        reason: text(&row.reason),
        detail: text(&row.detail),
        callback_data: row.callback_data.as_ref().map(|_| ERASED.to_owned()),
        body: ERASED_BODY.to_vec(),
        ..row.clone()
    }
}

fn unless_named(person: &Person, text: &str) -> String {
    if person.is_named_in(text.as_bytes()) { ERASED.to_owned() } else { text.to_owned() }
}

/// What the platform said of a hand-over may name the person.
async fn erase_steps(
    connection: &mut Connection,
    person: &Person,
    id: &str,
    records: &mut Records,
) -> Result<i64, StorageError> {
    let steps = sql_as!(
        EventRow,
        "SELECT correlation_id, step, at, dispatch, failure, code, reason, transaction_id FROM dispatch_events \
         WHERE correlation_id = $1",
        id
    );
    let mut erased = 0;
    for step in steps.fetch_all(&mut *connection).await? {
        if !step.reason.as_ref().is_some_and(|reason| person.is_named_in(reason.as_bytes())) {
            continue;
        }
        sql!("UPDATE dispatch_events SET reason = $3 WHERE correlation_id = $1 AND step = $2", id, step.step, ERASED)
            .execute(&mut *connection)
            .await?;
        records.step(Fate::Removed, &step);
        records.step(Fate::Added, &EventRow { reason: Some(ERASED.to_owned()), ..step });
        erased += 1;
    }
    Ok(erased)
}

/// Removes the person from the message itself, which stays and stands where it stood.
async fn erase_standing(
    connection: &mut Connection,
    person: &Person,
    id: &str,
    alone: bool,
) -> Result<(), StorageError> {
    let address = person.address().as_str();
    // This also locks the row, so that the rest of it does not change meanwhile.
    let message = sql!(
        "UPDATE messages SET recipient = CASE WHEN recipient = $2 THEN $3 ELSE recipient END WHERE correlation_id = $1 \
         RETURNING reason, callback_data",
        id,
        address,
        ERASED
    );
    let Some(message) = message.fetch_optional(&mut *connection).await? else { return Ok(()) };
    let shared = |data: String| if alone { ERASED.to_owned() } else { unless_named(person, &data) };
    sql!(
        "UPDATE messages SET reason = $2, callback_data = $3 WHERE correlation_id = $1",
        id,
        message.reason.map(|reason| unless_named(person, &reason)),
        message.callback_data.map(shared)
    )
    .execute(&mut *connection)
    .await?;
    let named = sql!("DELETE FROM recipients WHERE correlation_id = $1 AND recipient = $2", id, address);
    if named.execute(&mut *connection).await?.rows_affected() > 0 {
        sql!(
            "INSERT INTO recipients (correlation_id, recipient) VALUES ($1, $2) \
             ON CONFLICT (correlation_id, recipient) DO NOTHING",
            id,
            ERASED
        )
        .execute(&mut *connection)
        .await?;
    }
    erase_recipient(connection, person, id).await
}

/// Removes the person from the standings of a message with several recipients. What was worst is kept for all who are
/// removed; it still counts, but what is heard of them later comes under the address again.
async fn erase_recipient(connection: &mut Connection, person: &Person, id: &str) -> Result<(), StorageError> {
    let Ok(correlation_id) = CorrelationId::new(id) else { return Ok(()) };
    let rows = recipient_rows!("WHERE correlation_id = $1", id).fetch_all(&mut *connection).await?;
    let is_concerned = |row: &&RecipientRow| {
        let is_named = row.reason.as_ref().is_some_and(|reason| person.is_named_in(reason.as_bytes()));
        row.recipient == person.address().as_str() || is_named
    };
    for row in rows.iter().filter(is_concerned) {
        sql!("DELETE FROM recipient_standings WHERE correlation_id = $1 AND recipient = $2", id, row.recipient)
            .execute(&mut *connection)
            .await?;
        let Some(mut standing) = row.standing() else { continue };
        standing.reason = standing.reason.map(|reason| unless_named(person, &reason));
        let is_person = row.recipient == person.address().as_str();
        let key = RecipientKey::from_stored(if is_person { ERASED } else { &row.recipient });
        let row = RecipientRow::of(&correlation_id, &key, &standing);
        let is_worse = |other: &RecipientRow| other.recipient == ERASED && other.severity >= row.severity;
        if !(is_person && rows.iter().any(is_worse)) {
            sql!("DELETE FROM recipient_standings WHERE correlation_id = $1 AND recipient = $2", id, row.recipient)
                .execute(&mut *connection)
                .await?;
            append::merge_recipients(connection, &[row]).await?;
        }
    }
    Ok(())
}
