//! Keeps what we were asked to send, until the platform has it.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Backend, Connection, adoption, append, claim};
use crate::{
    domain::{Address, Channel, CorrelationId, Dispatch, Precedence, Status, Submission, Timestamp},
    storage::{Cancellation, Claim, Enqueued, Entry, Outbox, Settlement, StorageError, rows::ClaimRow},
};

#[async_trait]
impl Outbox for Backend {
    async fn enqueue(&self, entries: &[Entry], at: Timestamp) -> Result<Vec<Enqueued>, StorageError> {
        let mut transaction = self.begin().await?;
        let mut outcomes = Vec::with_capacity(entries.len());
        for entry in entries {
            outcomes.push(take_over(&mut transaction, entry, at).await?);
        }
        transaction.commit().await?;
        if outcomes.contains(&Enqueued::New) {
            self.changed.send_replace(());
            self.submitted.send_replace(());
        }
        Ok(outcomes)
    }

    async fn compare(&self, submission: &Submission) -> Result<Option<Enqueued>, StorageError> {
        let id = submission.correlation_id.as_str();
        let stored = sql!(
            "SELECT outbox.request AS \"request?\" FROM messages \
             LEFT JOIN outbox ON outbox.correlation_id = messages.correlation_id WHERE messages.correlation_id = $1",
            id
        );
        let Some(stored) = stored.fetch_optional(&self.read).await? else { return Ok(None) };
        let same = stored.request.is_some_and(|request| request == submission.to_json().to_string());
        Ok(Some(if same { Enqueued::Same } else { Enqueued::Conflict }))
    }

    async fn claim(
        &self,
        channel: &Channel,
        limit: i64,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Vec<Claim>, StorageError> {
        let mut transaction = self.begin().await?;
        let mut rows = claim::claim(&mut transaction, channel, limit, now, lease_until).await?;
        rows.sort_unstable_by(|a, b| a.correlation_id.cmp(&b.correlation_id));
        let mut claims = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id()?;
            match fit(&mut transaction, &id, row).await? {
                Ok(claim) => {
                    step(&mut transaction, &id, &Settlement::new(Dispatch::Sending, now)).await?;
                    claims.push(claim);
                }
                Err((dispatch, reason)) => {
                    let mut end = Settlement::new(dispatch, now);
                    end.event.reason = Some(reason.to_owned());
                    sql!("UPDATE outbox SET lease_until = NULL WHERE correlation_id = $1", id.as_str())
                        .execute(&mut *transaction)
                        .await?;
                    step(&mut transaction, &id, &end).await?;
                }
            }
        }
        transaction.commit().await?;
        if !claims.is_empty() {
            self.changed.send_replace(());
        }
        Ok(claims)
    }

    async fn settle(&self, outcomes: &[(Claim, Settlement)]) -> Result<(), StorageError> {
        let mut transaction = self.begin().await?;
        for (claim, settlement) in outcomes {
            put_on_record(&mut transaction, claim, settlement).await?;
        }
        transaction.commit().await?;
        self.changed.send_replace(());
        Ok(())
    }

    async fn abandon(&self, now: Timestamp, resend: bool) -> Result<Vec<CorrelationId>, StorageError> {
        let mut transaction = self.begin().await?;
        let abandoned = sql!(
            "UPDATE outbox SET lease_until = NULL, due_at = $2 WHERE lease_until <= $1 RETURNING correlation_id",
            now.as_micros(),
            resend.then_some(now.as_micros())
        );
        let abandoned = abandoned.fetch_all(&mut *transaction).await?;
        let ids = sorted(abandoned.iter().map(|row| row.correlation_id.as_str()));
        for id in &ids {
            let mut end = Settlement::new(if resend { Dispatch::Queued } else { Dispatch::Unconfirmed }, now);
            let reason = "whoever was handing it over stopped before the platform's answer was on record";
            end.event.reason = Some(reason.to_owned());
            step(&mut transaction, id, &end).await?;
        }
        transaction.commit().await?;
        if !ids.is_empty() {
            self.changed.send_replace(());
        }
        Ok(ids)
    }

    async fn expire(&self, now: Timestamp) -> Result<Vec<CorrelationId>, StorageError> {
        let mut transaction = self.begin().await?;
        let expired = sql!(
            "UPDATE outbox SET due_at = NULL WHERE due_at IS NOT NULL AND expire_at <= $1 RETURNING correlation_id",
            now.as_micros()
        );
        let expired = expired.fetch_all(&mut *transaction).await?;
        let ids = sorted(expired.iter().map(|row| row.correlation_id.as_str()));
        for id in &ids {
            let mut end = Settlement::new(Dispatch::Expired, now);
            end.event.reason = Some("its time ran out before it was handed over".to_owned());
            step(&mut transaction, id, &end).await?;
        }
        transaction.commit().await?;
        if !ids.is_empty() {
            self.changed.send_replace(());
        }
        Ok(ids)
    }

    async fn cancel(&self, id: &CorrelationId, at: Timestamp) -> Result<Cancellation, StorageError> {
        let mut transaction = self.begin().await?;
        let called_back = sql!(
            "UPDATE outbox SET due_at = NULL WHERE correlation_id = $1 AND due_at IS NOT NULL RETURNING correlation_id",
            id.as_str()
        );
        if called_back.fetch_optional(&mut *transaction).await?.is_none() {
            let message = sql!("SELECT dispatch, status FROM messages WHERE correlation_id = $1", id.as_str());
            let Some(message) = message.fetch_optional(&mut *transaction).await? else {
                return Ok(Cancellation::Absent);
            };
            return Ok(match message.dispatch.as_deref().and_then(Dispatch::from_word) {
                None => Cancellation::Observed,
                Some(Dispatch::Cancelled) => Cancellation::Cancelled,
                Some(dispatch) => {
                    Cancellation::TooLate(Status::from_word(&message.status).unwrap_or(dispatch.status()))
                }
            });
        }
        step(&mut transaction, id, &Settlement::new(Dispatch::Cancelled, at)).await?;
        transaction.commit().await?;
        self.changed.send_replace(());
        Ok(Cancellation::Cancelled)
    }

    async fn next_due(&self) -> Result<Vec<(Channel, Timestamp)>, StorageError> {
        let next = sql!(
            "SELECT channel AS \"channel!\", MIN(due_at) AS \"due_at?: i64\" FROM outbox WHERE due_at IS NOT NULL GROUP BY channel"
        );
        let next = next.fetch_all(&self.read).await?;
        let lanes = next.into_iter().filter_map(|row| Some((Channel::from_name(&row.channel), row.due_at?)));
        Ok(lanes.map(|(channel, due)| (channel, Timestamp::from_micros(due))).collect())
    }
}

/// In key order, in which an append locks its messages too.
fn sorted<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<CorrelationId> {
    let mut ids: Vec<_> = ids.filter_map(|id| CorrelationId::new(id).ok()).collect();
    ids.sort_unstable();
    ids
}

/// Takes one submission over.
async fn take_over(connection: &mut Connection, entry: &Entry, at: Timestamp) -> Result<Enqueued, StorageError> {
    let submission = &entry.submission;
    let id = &submission.correlation_id;
    let request = submission.to_json().to_string();
    if !insert_message(&mut *connection, submission, at).await? {
        let stored = sql!("SELECT request FROM outbox WHERE correlation_id = $1", id.as_str());
        let stored = stored.fetch_optional(connection).await?;
        let same = stored.is_some_and(|row| row.request == request);
        return Ok(if same { Enqueued::Same } else { Enqueued::Conflict });
    }
    sql!(
        "INSERT INTO outbox (correlation_id, channel, request, attempts, due_at, expire_at) VALUES ($1, $2, $3, 0, $4, $5)",
        id.as_str(),
        submission.channel.as_str(),
        request,
        entry.due_at.as_micros(),
        submission.expire_at.map(Timestamp::as_micros)
    )
    .execute(&mut *connection)
    .await?;
    note_step(connection, id, &Settlement::new(Dispatch::Queued, at)).await?;
    Ok(Enqueued::New)
}

/// Puts the outcome of one hand-over on record.
async fn put_on_record(
    connection: &mut Connection,
    claim: &Claim,
    settlement: &Settlement,
) -> Result<(), StorageError> {
    let id = &claim.submission.correlation_id;
    // An answer that comes after the lease is over still settles its own attempt, but none that came after it.
    let settled = sql!(
        "UPDATE outbox SET due_at = $3, lease_until = NULL WHERE correlation_id = $1 AND attempts = $2",
        id.as_str(),
        claim.attempt,
        settlement.retry_at.map(Timestamp::as_micros)
    );
    if settled.execute(&mut *connection).await?.rows_affected() == 0 {
        return Ok(());
    }
    if let Some(transaction_id) = &settlement.event.transaction_id {
        let claims = BTreeMap::from([(transaction_id.as_str(), id.clone())]);
        for adoption in append::claim_transactions(&mut *connection, &claims).await? {
            adoption::adopt(&mut *connection, &adoption).await?;
        }
    }
    step(connection, id, settlement).await
}

/// What is leased, if it can and may be handed over; otherwise where it ends, and why.
async fn fit(
    connection: &mut Connection,
    id: &CorrelationId,
    row: ClaimRow,
) -> Result<Result<Claim, (Dispatch, &'static str)>, StorageError> {
    let notified = sql!(
        "SELECT correlation_id FROM messages WHERE correlation_id = $1 AND precedence > $2",
        id.as_str(),
        Precedence::DISPATCH
    );
    if notified.fetch_optional(connection).await?.is_some() {
        // After an attempt that seemed to fail: sending it again would be sending it twice.
        return Ok(Err((Dispatch::Accepted, "a notification shows that the platform has it")));
    }
    // One bad row must not hold up all others.
    Ok(row.claim().map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a message cannot be handed over");
        (Dispatch::Rejected, "the stored request cannot be read; it was not sent")
    }))
}

/// Whether there was no message of this id.
async fn insert_message(
    connection: &mut Connection,
    submission: &Submission,
    at: Timestamp,
) -> Result<bool, StorageError> {
    let queued = Dispatch::Queued.as_str();
    let inserted = sql!(
        "INSERT INTO messages (correlation_id, dispatch, channel, sender, recipient, status, precedence, status_at, \
         is_final, callback_data, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $2, $6, $7, 0, $8, $7, $7) \
         ON CONFLICT (correlation_id) DO NOTHING",
        submission.correlation_id.as_str(),
        queued,
        submission.channel.as_str(),
        submission.sender,
        Address::new(&submission.recipient.id()).map(|recipient| recipient.as_str().to_owned()),
        Precedence::DISPATCH,
        at.as_micros(),
        submission.callback_data
    );
    Ok(inserted.execute(connection).await?.rows_affected() == 1)
}

/// Takes a step: writes it down, and moves the message if no notification says more.
async fn step(connection: &mut Connection, id: &CorrelationId, settlement: &Settlement) -> Result<(), StorageError> {
    let event = &settlement.event;
    let status = event.dispatch.status();
    sql!(
        "UPDATE messages SET dispatch = $2, updated_at = $3, \
         transaction_id = CASE WHEN precedence <= $4 AND CAST($5 AS TEXT) IS NOT NULL THEN $5 ELSE transaction_id END, \
         status = CASE WHEN precedence <= $4 THEN $2 ELSE status END, \
         status_at = CASE WHEN precedence <= $4 THEN $3 ELSE status_at END, \
         is_final = CASE WHEN precedence <= $4 THEN $6 ELSE is_final END, \
         failure = CASE WHEN precedence <= $4 THEN $7 ELSE failure END, \
         code = CASE WHEN precedence <= $4 THEN $8 ELSE code END, \
         reason = CASE WHEN precedence <= $4 THEN $9 ELSE reason END \
         WHERE correlation_id = $1",
        id.as_str(),
        event.dispatch.as_str(),
        event.at.as_micros(),
        Precedence::DISPATCH,
        event.transaction_id.as_ref().map(|id| id.as_str().to_owned()),
        i64::from(status.is_final(None)),
        settlement.failure.map(|failure| failure.as_str().to_owned()),
        event.code,
        event.reason
    )
    .execute(&mut *connection)
    .await?;
    note_step(connection, id, settlement).await
}

async fn note_step(
    connection: &mut Connection,
    id: &CorrelationId,
    settlement: &Settlement,
) -> Result<(), StorageError> {
    let event = &settlement.event;
    sql!(
        "INSERT INTO dispatch_events (correlation_id, step, at, dispatch, code, reason, transaction_id, failure) \
         VALUES ($1, (SELECT COUNT(*) + 1 FROM dispatch_events WHERE correlation_id = $1), $2, $3, $4, $5, $6, $7)",
        id.as_str(),
        event.at.as_micros(),
        event.dispatch.as_str(),
        event.code,
        event.reason,
        event.transaction_id.as_ref().map(|id| id.as_str().to_owned()),
        settlement.failure.map(|failure| failure.as_str().to_owned())
    )
    .execute(connection)
    .await?;
    Ok(())
}
