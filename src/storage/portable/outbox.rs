//! Keeps what we were asked to send, until the platform has it.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Backend, Connection, adoption, append, claim};
use crate::{
    domain::{Address, CorrelationId, Dispatch, Precedence, Submission, Timestamp},
    storage::{Claim, Enqueued, Outbox, Settlement, StorageError, rows::ClaimRow},
};

#[async_trait]
impl Outbox for Backend {
    async fn enqueue(&self, submission: &Submission, at: Timestamp) -> Result<Enqueued, StorageError> {
        let id = &submission.correlation_id;
        let request = submission.to_json().to_string();
        let mut transaction = self.begin().await?;
        if !insert_message(&mut transaction, submission, at).await? {
            let stored = sql!("SELECT request FROM outbox WHERE correlation_id = $1", id.as_str());
            let stored = stored.fetch_optional(&mut *transaction).await?;
            let same = stored.is_some_and(|row| row.request == request);
            return Ok(if same { Enqueued::Same } else { Enqueued::Conflict });
        }
        sql!(
            "INSERT INTO outbox (correlation_id, request, attempts, due_at) VALUES ($1, $2, 0, $3)",
            id.as_str(),
            request,
            at.as_micros()
        )
        .execute(&mut *transaction)
        .await?;
        note_step(&mut transaction, id, &Settlement::new(Dispatch::Queued, at)).await?;
        transaction.commit().await?;
        self.changed.send_replace(());
        self.submitted.send_replace(());
        Ok(Enqueued::New)
    }

    async fn claim(&self, limit: i64, now: Timestamp, lease_until: Timestamp) -> Result<Vec<Claim>, StorageError> {
        let mut transaction = self.begin().await?;
        let mut rows = claim::claim(&mut transaction, limit, now, lease_until).await?;
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

    async fn settle(&self, claim: &Claim, settlement: &Settlement) -> Result<(), StorageError> {
        let id = &claim.submission.correlation_id;
        let mut transaction = self.begin().await?;
        // An answer that comes after the lease is over still settles its own attempt, but none that came after it.
        let settled = sql!(
            "UPDATE outbox SET due_at = $3, lease_until = NULL WHERE correlation_id = $1 AND attempts = $2",
            id.as_str(),
            claim.attempt,
            settlement.retry_at.map(Timestamp::as_micros)
        );
        if settled.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(());
        }
        if let Some(transaction_id) = &settlement.event.transaction_id {
            let claims = BTreeMap::from([(transaction_id.as_str(), id.clone())]);
            for adoption in append::claim_transactions(&mut transaction, &claims).await? {
                adoption::adopt(&mut transaction, &adoption).await?;
            }
        }
        step(&mut transaction, id, settlement).await?;
        transaction.commit().await?;
        self.changed.send_replace(());
        Ok(())
    }

    async fn abandon(&self, now: Timestamp) -> Result<Vec<CorrelationId>, StorageError> {
        let mut transaction = self.begin().await?;
        let abandoned = sql!(
            "UPDATE outbox SET lease_until = NULL WHERE lease_until <= $1 RETURNING correlation_id",
            now.as_micros()
        );
        let abandoned = abandoned.fetch_all(&mut *transaction).await?;
        let mut ids: Vec<_> = abandoned.iter().filter_map(|row| CorrelationId::new(&row.correlation_id).ok()).collect();
        // In key order, in which an append locks its messages too.
        ids.sort_unstable();
        for id in &ids {
            let mut unconfirmed = Settlement::new(Dispatch::Unconfirmed, now);
            let reason = "whoever was handing it over stopped before the platform's answer was on record";
            unconfirmed.event.reason = Some(reason.to_owned());
            step(&mut transaction, id, &unconfirmed).await?;
        }
        transaction.commit().await?;
        if !ids.is_empty() {
            self.changed.send_replace(());
        }
        Ok(ids)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StorageError> {
        let next = sql!("SELECT due_at FROM outbox WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1");
        let next = next.fetch_optional(&self.read).await?;
        Ok(next.and_then(|row| row.due_at).map(Timestamp::from_micros))
    }
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
        Address::new(&submission.recipient.id).map(|recipient| recipient.as_str().to_owned()),
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
        "INSERT INTO dispatch_events (correlation_id, step, at, dispatch, code, reason, transaction_id) \
         VALUES ($1, (SELECT COUNT(*) + 1 FROM dispatch_events WHERE correlation_id = $1), $2, $3, $4, $5, $6)",
        id.as_str(),
        event.at.as_micros(),
        event.dispatch.as_str(),
        event.code,
        event.reason,
        event.transaction_id.as_ref().map(|id| id.as_str().to_owned())
    )
    .execute(connection)
    .await?;
    Ok(())
}
