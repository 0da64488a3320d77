//! Dispatch steps.

use std::collections::BTreeSet;

use receiptd_domain::{ChangeKind, Dispatch, Timestamp};

use super::super::{
    attestations,
    dialect::{self, Connection},
    statements::step_rows,
};
use crate::{
    Settlement, StorageError,
    rows::{EventRow, changes::RowChanges, outbox::StepRow},
};

/// A final or next state of a message without an answer of the platform, and the reason.
pub(super) type End = (Dispatch, &'static str);

/// A dispatch would send the message twice. This is noticed after an attempt that seemed to fail.
pub(super) const SHOWN: End = (Dispatch::Accepted, "a notification shows that the platform has it");
pub(super) const EXPIRED: End = (Dispatch::Expired, "it expired before it was dispatched");
pub(super) const ABANDONED: End =
    (Dispatch::Unconfirmed, "the dispatcher stopped before it stored the platform's answer");
pub(super) const DOUBTFUL: End =
    (Dispatch::Unconfirmed, "the store was restored from a backup; the message may have been dispatched since");
pub(super) const RESENT: End = (Dispatch::Queued, "the dispatcher stopped; the message is sent again");
pub(super) const UNREADABLE: End = (Dispatch::Rejected, "the stored request cannot be read; the message was not sent");

/// A step that receiptd takes without an answer of the platform.
pub(super) fn because((dispatch, reason): End, at: Timestamp) -> Settlement {
    let mut settlement = Settlement::new(dispatch, at);
    settlement.event.reason = Some(reason.to_owned());
    settlement
}

/// Those of the messages that the platform has according to a notification. Locks all these messages.
pub(super) async fn shown(connection: &mut Connection, ids: &[&str]) -> Result<BTreeSet<String>, sqlx::Error> {
    let held = dialect::hold(connection, ids).await?;
    Ok(held.into_iter().filter(|message| message.is_shown).map(|message| message.correlation_id).collect())
}

/// Takes one step for each message: stores the steps, and updates the messages for which no notification reports more.
/// The messages must be locked.
pub(super) async fn take(
    connection: &mut Connection,
    steps: &[StepRow],
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    if steps.is_empty() {
        return Ok(());
    }
    let attested = attestations::open(connection, steps.iter().map(|step| step.correlation_id.as_str())).await?;
    dialect::move_messages(connection, steps).await?;
    attestations::close(connection, attested, changes).await?;
    Ok(write_down(connection, steps, changes).await?)
}

/// Stores one step for each message, and records them in the hash chain.
pub(super) async fn write_down(
    connection: &mut Connection,
    steps: &[StepRow],
    changes: &mut RowChanges,
) -> Result<(), sqlx::Error> {
    for row in dialect::insert_steps(connection, steps).await? {
        changes.step(ChangeKind::Added, &row);
    }
    Ok(())
}

/// Renews the state of the outbox in the last step of each message, after a change of the outbox that is not a step.
pub(super) async fn renew(
    connection: &mut Connection,
    ids: &[String],
    changes: &mut RowChanges,
) -> Result<(), sqlx::Error> {
    for id in ids {
        let last =
            step_rows!("SELECT ", " FROM dispatch_events WHERE correlation_id = $1 ORDER BY step DESC LIMIT 1", id);
        let Some(before) = last.fetch_optional(&mut *connection).await? else { continue };
        let renewed = step_rows!(
            "UPDATE dispatch_events SET (attempts, settled, counted, due_at, lease_until) = \
             (SELECT o.attempts, o.settled, o.counted, o.due_at, o.lease_until FROM outbox o WHERE o.correlation_id = $1) \
             WHERE correlation_id = $1 AND step = $2 RETURNING ",
            "",
            id,
            before.step
        );
        let Some(after) = renewed.fetch_optional(&mut *connection).await? else { continue };
        changes.step(ChangeKind::Removed, &before);
        changes.step(ChangeKind::Added, &after);
    }
    Ok(())
}
