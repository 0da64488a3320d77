//! Stores the outcomes of dispatches.

use std::collections::BTreeMap;

use receiptd_domain::{CorrelationId, Dispatch, Timestamp};

use super::{
    super::{
        adoption, attestations,
        dialect::{self, Connection},
        transactions,
    },
    steps,
};
use crate::{
    Claim, Settlement, StorageError,
    rows::{
        changes::RowChanges,
        outbox::{EndRow, HeldRow, StepRow},
    },
};

/// The outcome of the last attempt of each message.
type Settled<'a> = BTreeMap<&'a CorrelationId, &'a Settlement>;

/// Stores the outcomes of attempts that are the last ones of their messages.
pub(super) async fn settle(
    connection: &mut Connection,
    outcomes: &[(Claim, Settlement)],
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let mut settled = end_attempts(connection, outcomes).await?;
    if settled.is_empty() {
        return Ok(());
    }
    let adoptions = transactions::claim(connection, &claims(&settled)).await?;
    let ids: Vec<&str> = settled.keys().map(|id| id.as_str()).collect();
    let closed: Vec<HeldRow> = dialect::hold(connection, &ids).await?.into_iter().filter(is_closed).collect();
    if !closed.is_empty() {
        stay(connection, &closed, &mut settled, changes).await?;
    }
    for adoption in adoptions {
        let attested = attestations::open(connection, adoption.ids()).await?;
        adoption::adopt(connection, &adoption, changes).await?;
        attestations::close(connection, attested, changes).await?;
    }
    let taken: Vec<StepRow> = settled.iter().map(|(id, end)| StepRow::of(id.to_string(), end)).collect();
    steps::take(connection, &taken, changes).await
}

/// Ends the attempts after which no later one has begun, and whose outcome is not stored yet: the dispatcher repeats a
/// commit if it cannot tell whether it succeeded.
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
    let missing = dialect::end_attempts(connection, &rows).await?;
    for (id, attempt) in &missing {
        first.remove(&(id.as_str(), *attempt));
    }
    Ok(first.into_values().collect())
}

/// The owners of the transactions that the platform returned. If two messages have one transaction, which should not
/// happen, the smaller id owns it.
fn claims<'a>(settled: &Settled<'a>) -> BTreeMap<&'a str, CorrelationId> {
    let mut claims = BTreeMap::new();
    for (id, settlement) in settled {
        if let Some(transaction) = &settlement.event.transaction_id {
            claims.entry(transaction.as_str()).or_insert_with(|| (*id).clone());
        }
    }
    claims
}

/// A message that waits for a resend can be cancelled or expire before the answer to the previous attempt arrives.
fn is_closed(message: &HeldRow) -> bool {
    matches!(message.dispatch(), Some(Dispatch::Cancelled | Dispatch::Expired))
}

/// Keeps these messages as they are, unless the platform has them after all, or may have them.
async fn stay(
    connection: &mut Connection,
    messages: &[HeldRow],
    settled: &mut Settled<'_>,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let (mut closed, mut transactions) = (Vec::new(), Vec::new());
    settled.retain(|id, settlement| {
        let stays = matches!(settlement.event.dispatch, Dispatch::Queued | Dispatch::Rejected)
            && messages.iter().any(|message| message.correlation_id == id.as_str());
        if stays {
            closed.push(id.to_string());
            let transaction = settlement.event.transaction_id.as_ref();
            transactions.extend(transaction.map(|transaction| ((*id).clone(), transaction.clone())));
        }
        !stays
    });
    // No step names these transactions.
    for (id, transaction) in transactions {
        attestations::attest_transaction(connection, &id, transaction.as_str(), changes).await?;
    }
    dialect::close_submissions(connection, &closed).await?;
    Ok(steps::renew(connection, &closed, changes).await?)
}
