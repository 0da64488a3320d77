//! Puts the outcomes of hand-overs on record.

use std::collections::BTreeMap;

use receiptd_domain::{CorrelationId, Dispatch, Timestamp};

use super::{Connection, adoption, append, dispatch, steps};
use crate::{
    Claim, Settlement, StorageError,
    outbox_rows::{EndRow, HeldRow, StepRow},
    row_changes::RowChanges,
};

/// The outcome of each message's last attempt.
type Settled<'a> = BTreeMap<&'a CorrelationId, &'a Settlement>;

/// Settles the attempts that are their messages' last.
pub(super) async fn settle(
    connection: &mut Connection,
    outcomes: &[(Claim, Settlement)],
    records: &mut RowChanges,
) -> Result<(), StorageError> {
    let mut settled = end_attempts(connection, outcomes).await?;
    if settled.is_empty() {
        return Ok(());
    }
    let claims = claims(&settled);
    let adoptions =
        if claims.is_empty() { Vec::new() } else { append::claim_transactions(connection, &claims).await? };
    let ids: Vec<&str> = settled.keys().map(|id| id.as_str()).collect();
    let called_back: Vec<HeldRow> =
        dispatch::hold(connection, &ids).await?.into_iter().filter(is_called_back).collect();
    if !called_back.is_empty() {
        stay(connection, &called_back, &mut settled).await?;
    }
    for adoption in adoptions {
        adoption::adopt(connection, &adoption, records).await?;
    }
    let taken: Vec<StepRow> = settled.iter().map(|(id, end)| StepRow::of(id.to_string(), end)).collect();
    Ok(steps::take(connection, &taken, records).await?)
}

/// Ends the attempts of which no later one has begun.
async fn end_attempts<'a>(
    connection: &mut Connection,
    outcomes: &'a [(Claim, Settlement)],
) -> Result<Settled<'a>, sqlx::Error> {
    let mut first: BTreeMap<(&str, i64), (&CorrelationId, &Settlement)> = BTreeMap::new();
    for (claim, settlement) in outcomes {
        let id = &claim.submission.correlation_id;
        first.entry((id.as_str(), claim.attempt)).or_insert((id, settlement));
    }
    let row = |((id, attempt), (_, settlement)): (&(&str, i64), &(_, &Settlement))| EndRow {
        correlation_id: (*id).to_owned(),
        attempt: *attempt,
        counts: i64::from(settlement.counts),
        retry_at: settlement.retry_at.map(Timestamp::as_micros),
    };
    let rows: Vec<EndRow> = first.iter().map(row).collect();
    let missing = dispatch::end_attempts(connection, &rows).await?;
    for (id, attempt) in &missing {
        first.remove(&(id.as_str(), *attempt));
    }
    Ok(first.into_values().collect())
}

/// Whose the transactions are that the platform named. Of two messages with one transaction, which should not be, the
/// smaller id has it.
fn claims<'a>(settled: &Settled<'a>) -> BTreeMap<&'a str, CorrelationId> {
    let mut claims = BTreeMap::new();
    for (id, settlement) in settled {
        if let Some(transaction) = &settlement.event.transaction_id {
            claims.entry(transaction.as_str()).or_insert_with(|| (*id).clone());
        }
    }
    claims
}

/// What waits for a resend can be called back, or run out of time, before the answer to the attempt before comes.
fn is_called_back(message: &HeldRow) -> bool {
    matches!(message.dispatch(), Some(Dispatch::Cancelled | Dispatch::Expired))
}

/// Leaves those where they are, unless the platform has them after all, or may have them.
async fn stay(connection: &mut Connection, messages: &[HeldRow], settled: &mut Settled<'_>) -> Result<(), sqlx::Error> {
    let mut closed = Vec::new();
    settled.retain(|id, settlement| {
        let stays = matches!(settlement.event.dispatch, Dispatch::Queued | Dispatch::Rejected)
            && messages.iter().any(|message| message.correlation_id == id.as_str());
        if stays {
            closed.push(id.to_string());
        }
        !stays
    });
    dispatch::close(connection, &closed).await
}
