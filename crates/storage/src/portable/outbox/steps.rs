//! The steps of dispatch.

use std::collections::BTreeSet;

use receiptd_domain::{ChangeKind, Dispatch, Timestamp};

use super::{Connection, dispatch};
use crate::{Settlement, outbox_rows::StepRow, row_changes::RowChanges};

/// Where a message comes to other than by an answer, and why.
pub(super) type End = (Dispatch, &'static str);

/// Handing it over would be sending it twice: this is seen after an attempt that seemed to fail.
pub(super) const SHOWN: End = (Dispatch::Accepted, "a notification shows that the platform has it");
pub(super) const EXPIRED: End = (Dispatch::Expired, "its time ran out before it was handed over");
pub(super) const ABANDONED: End =
    (Dispatch::Unconfirmed, "whoever was handing it over stopped before the platform's answer was on record");
pub(super) const DOUBTFUL: End =
    (Dispatch::Unconfirmed, "the store was put back to an earlier state; it may have been handed over since");
pub(super) const RESENT: End = (Dispatch::Queued, "whoever was handing it over stopped; it is sent again");
pub(super) const UNREADABLE: End = (Dispatch::Rejected, "the stored request cannot be read; it was not sent");

/// A step that we took by ourselves.
pub(super) fn because((dispatch, reason): End, at: Timestamp) -> Settlement {
    let mut settlement = Settlement::new(dispatch, at);
    settlement.event.reason = Some(reason.to_owned());
    settlement
}

/// Those of the messages that a notification shows to be with the platform. From now on all of them are held.
pub(super) async fn shown(connection: &mut Connection, ids: &[&str]) -> Result<BTreeSet<String>, sqlx::Error> {
    let held = dispatch::hold(connection, ids).await?;
    Ok(held.into_iter().filter(|message| message.is_shown).map(|message| message.correlation_id).collect())
}

/// Takes steps, one of each message: writes them down, and moves the messages of which no notification says more. The
/// messages are held.
pub(super) async fn take(
    connection: &mut Connection,
    steps: &[StepRow],
    records: &mut RowChanges,
) -> Result<(), sqlx::Error> {
    if steps.is_empty() {
        return Ok(());
    }
    dispatch::move_messages(connection, steps).await?;
    write_down(connection, steps, records).await
}

/// Writes steps down, one of each message, and tells the chain.
pub(super) async fn write_down(
    connection: &mut Connection,
    steps: &[StepRow],
    records: &mut RowChanges,
) -> Result<(), sqlx::Error> {
    for row in dispatch::insert_steps(connection, steps).await? {
        records.step(ChangeKind::Added, &row);
    }
    Ok(())
}
