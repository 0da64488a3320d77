//! What is to be sent: waiting, on its way, and what became of it.

use std::time::Duration;

use async_trait::async_trait;
use receiptd_domain::{
    Actor, AuditEntry, Channel, CorrelationId, Dispatch, DispatchEvent, Failure, IdempotencyKey, Status, Submission,
    Timestamp,
};

use super::StorageError;

/// Keeps what we were asked to send, until the platform has it.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes submissions over, all in one commit; for each, in the same order, what became of it. One whose id is taken
    /// already, here or by an earlier one of `entries`, is left alone. The same commit notes in the audit log how many new
    /// ones `actor` gave.
    async fn enqueue(
        &self,
        entries: &[OutboxEntry],
        at: Timestamp,
        actor: &Actor,
    ) -> Result<Vec<EnqueueResult>, StorageError>;

    /// What [`Outbox::enqueue`] would say of an entry that is not new; `None` if there is no message of its id, and none
    /// that `actor` gave its key to.
    async fn compare(&self, entry: &OutboxEntry, actor: &Actor) -> Result<Option<EnqueueResult>, StorageError>;

    /// Leases up to `limit` submissions on `channel` that are due at `now`, the longest due first, each to this caller
    /// alone, until `lease_until`. From then on a request may be on its way. What turns out to be out of time, with the
    /// platform already, or unreadable ends instead, so fewer than `limit` does not mean that no more are due.
    async fn claim(
        &self,
        channel: &Channel,
        limit: i64,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Vec<Claim>, StorageError>;

    /// Puts the outcomes of hand-overs on record, all in one commit. One that comes after its lease counts still, unless
    /// a later attempt has begun; of several for one attempt the first counts.
    async fn settle(&self, outcomes: &[(Claim, Settlement)]) -> Result<(), StorageError>;

    /// Ends the leases that are over at `now`: whoever held them is gone, and the platform may or may not have the
    /// messages. They become `unconfirmed`, or, with `resend`, are queued again, due at once.
    async fn expire_leases(&self, now: Timestamp, resend: bool) -> Result<Vec<CorrelationId>, StorageError>;

    /// Ends the submissions that wait and whose time ran out at `now`. They become `expired`, unless a notification shows
    /// that the platform has them. A great many take several commits.
    async fn expire(&self, now: Timestamp) -> Result<Vec<CorrelationId>, StorageError>;

    /// Calls a message back, if it waits; the same commit notes in the audit log that `actor` did. The platform may have it
    /// all the same, where it waits for a resend.
    async fn cancel(&self, id: &CorrelationId, at: Timestamp, actor: &Actor) -> Result<Cancellation, StorageError>;

    /// Ends everything that waits or is being handed over, in a store that was put back to an earlier state: nobody knows
    /// what of it was sent since. It becomes `unconfirmed`, unless a notification shows that the platform has it.
    /// Each commit adds its number to `entry` of the audit log.
    async fn mark_unconfirmed(&self, now: Timestamp, entry: &AuditEntry) -> Result<Vec<CorrelationId>, StorageError>;

    /// Puts right what our clock has left behind that was set back since, to `now`: what was to go at once, or once more,
    /// is due now, and no lease lasts longer than until `lease_until`. What goes on for up to half an hour longer is
    /// left alone: another instance may have written it, whose clock is ahead of ours.
    async fn on_clock_rollback(&self, now: Timestamp, lease_until: Timestamp) -> Result<(), StorageError>;

    /// When the next submission on each channel is due, for the channels on which any waits.
    async fn next_due(&self) -> Result<Vec<(Channel, Timestamp)>, StorageError>;
}

/// The clocks of instances on one database may be this far apart.
pub(super) const CLOCKS_APART: Duration = Duration::from_mins(30);

/// A submission, and when it is to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// What to send.
    pub submission: Submission,
    /// Not before this.
    pub due_at: Timestamp,
    /// By which the caller may repeat the request.
    pub key: Option<RequestKey>,
}

impl OutboxEntry {
    /// Without a key.
    pub fn new(submission: Submission, due_at: Timestamp) -> Self {
        Self { submission, due_at, key: None }
    }
}

/// The key of a request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The key.
    pub key: IdempotencyKey,
    /// The request names no correlation id, so another one was drawn each time that it came; the first one counts.
    pub is_id_drawn: bool,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnqueueResult {
    /// It is new, and committed.
    New,
    /// The very same was taken over before.
    Same,
    /// There is another message of this id.
    Conflict,
    /// The very same was taken over before with this key, under this id.
    SameByKey(CorrelationId),
    /// With this key another message was taken over, under this id.
    KeyTaken(CorrelationId),
}

/// What became of the wish to call a message back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It will not be sent.
    Cancelled,
    /// It was called back before.
    Already,
    /// The platform has it, or may have it, or the outcome is known.
    TooLate(Status),
    /// Another system sent it.
    Observed,
    /// There is no message of this id.
    Absent,
}

/// A submission that is leased for hand-over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What to send.
    pub submission: Submission,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// How many earlier attempts count; see [`Settlement::counts`].
    pub counted: i64,
}

/// How a hand-over ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The step that was taken.
    pub event: DispatchEvent,
    /// If it was refused, whether that may pass.
    pub failure: Option<Failure>,
    /// When to try again; only for a dispatch that is `queued` again.
    pub retry_at: Option<Timestamp>,
    /// Whether this attempt counts as one of those that a message may have. One that met what would have met every other
    /// message, or that never left, does not.
    pub counts: bool,
}

impl Settlement {
    /// Reached `dispatch` at `at`.
    pub fn new(dispatch: Dispatch, at: Timestamp) -> Self {
        let event = DispatchEvent { at, dispatch, code: None, reason: None, transaction_id: None };
        Self { event, failure: None, retry_at: None, counts: false }
    }
}
