//! Returns leased messages to the dispatcher.

use std::collections::BTreeSet;

use receiptd_domain::{Dispatch, Timestamp};

use super::{
    super::dialect::{self, Connection},
    steps::{self, EXPIRED, End, SHOWN, UNREADABLE, because, shown},
};
use crate::{
    Claim, Settlement, StorageError,
    rows::{
        changes::RowChanges,
        outbox::{LeasedRow, StepRow},
    },
};

/// Returns the leased messages that can and may be dispatched, and ends the others.
pub(super) async fn hand_out(
    connection: &mut Connection,
    mut rows: Vec<LeasedRow>,
    now: Timestamp,
    changes: &mut RowChanges,
) -> Result<Vec<Claim>, StorageError> {
    rows.sort_unstable_by(|a, b| a.correlation_id.cmp(&b.correlation_id));
    let ids: Vec<&str> = rows.iter().map(|row| row.correlation_id.as_str()).collect();
    let shown = shown(connection, &ids).await?;
    let (mut claims, mut ended, mut taken) =
        (Vec::with_capacity(rows.len()), Vec::new(), Vec::with_capacity(rows.len()));
    for row in rows {
        let id = row.correlation_id.clone();
        let step = match fit(row, &shown, now) {
            Ok(claim) => {
                claims.push(claim);
                Settlement::new(Dispatch::Sending, now)
            }
            Err(end) => {
                ended.push(id.clone());
                because(end, now)
            }
        };
        taken.push(StepRow::of(id, &step));
    }
    if !ended.is_empty() {
        dialect::close_submissions(connection, &ended).await?;
    }
    steps::take(connection, &taken, changes).await?;
    Ok(claims)
}

/// The claim of a leased message if it can and may be dispatched. Otherwise its end.
fn fit(row: LeasedRow, shown: &BTreeSet<String>, now: Timestamp) -> Result<Claim, End> {
    if shown.contains(&row.correlation_id) {
        return Err(SHOWN);
    }
    if row.expire_at.is_some_and(|at| at <= now.as_micros()) {
        return Err(EXPIRED);
    }
    // One bad row must not block all others.
    row.claim().map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a message cannot be dispatched");
        UNREADABLE
    })
}
