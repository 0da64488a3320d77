//! Rows that the statements of the outbox read and write.
//!
//! The rows of a batch are in the order of their keys, as in `batch`, so that two instances lock rows in the same
//! order.

use receiptd_domain::{Address, CorrelationId, Dispatch, Submission, Timestamp, TransactionId};
use serde::{Deserialize, Serialize};

use super::{Place, salt::Salt};
use crate::{Claim, OutboxEntry, Settlement, StorageError};

/// Replaces the request of a message that was erased.
pub(crate) const NO_REQUEST: &str = "{}";

/// A submission that is accepted.
#[derive(Serialize)]
pub(crate) struct QueuedRow {
    pub(crate) correlation_id: String,
    pub(crate) salt: Salt,
    pub(crate) channel: String,
    pub(crate) sender: String,
    pub(crate) recipient: Option<String>,
    pub(crate) callback_data: Option<String>,
    pub(crate) due_at: i64,
    pub(crate) expire_at: Option<i64>,
    pub(crate) request: String,
}

impl QueuedRow {
    pub(crate) fn of(OutboxEntry { submission, due_at, .. }: &OutboxEntry) -> Self {
        Self {
            correlation_id: submission.correlation_id.as_str().to_owned(),
            salt: rand::random(),
            channel: submission.channel.as_str().to_owned(),
            sender: submission.sender.clone(),
            recipient: Address::new(submission.recipient.id()).map(|recipient| recipient.as_str().to_owned()),
            callback_data: submission.callback_data.clone(),
            due_at: due_at.as_micros(),
            expire_at: submission.expire_at.map(Timestamp::as_micros),
            request: submission.to_json().to_string(),
        }
    }
}

impl QueuedRow {
    pub(crate) fn chained(&self) -> RequestRow<'_> {
        let Self { correlation_id, salt, channel, request, expire_at, .. } = self;
        RequestRow { correlation_id, salt: *salt, channel, request, expire_at: *expire_at }
    }
}

/// The part of a row of the outbox that does not change during the dispatch.
pub(crate) struct RequestRow<'a> {
    pub(crate) correlation_id: &'a str,
    pub(crate) salt: Salt,
    pub(crate) channel: &'a str,
    pub(crate) request: &'a str,
    pub(crate) expire_at: Option<i64>,
}

/// A leased submission.
#[derive(Deserialize)]
pub(crate) struct LeasedRow {
    pub(crate) correlation_id: String,
    pub(crate) request: String,
    pub(crate) attempts: i64,
    pub(crate) counted: i64,
    pub(crate) expire_at: Option<i64>,
}

impl LeasedRow {
    pub(crate) fn claim(self) -> Result<Claim, StorageError> {
        let at = Place { table: "outbox", row: &self.correlation_id };
        let request = serde_json::from_str(&self.request).ok().and_then(|json| Submission::from_json(json).ok());
        Ok(Claim { submission: at.read("request", request)?, attempt: self.attempts, counted: self.counted })
    }
}

/// The end of an attempt.
#[derive(Serialize)]
pub(crate) struct EndRow {
    pub(crate) correlation_id: String,
    pub(crate) attempt: i64,
    /// 1 if the attempt counts.
    pub(crate) counts: i64,
    pub(crate) retry_at: Option<i64>,
}

/// The state of a message that is about to take a step. Its row is locked.
pub(crate) struct HeldRow {
    pub(crate) correlation_id: String,
    pub(crate) dispatch: Option<String>,
    /// Whether a notification shows that the platform has the message.
    pub(crate) is_shown: bool,
}

impl HeldRow {
    pub(crate) fn dispatch(&self) -> Option<Dispatch> {
        self.dispatch.as_deref().and_then(Dispatch::from_word)
    }
}

/// A dispatch step.
#[derive(Serialize)]
pub(crate) struct StepRow {
    pub(crate) correlation_id: String,
    pub(crate) salt: Salt,
    pub(crate) at: i64,
    pub(crate) dispatch: String,
    pub(crate) is_final: i64,
    pub(crate) failure: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) transaction_id: Option<String>,
}

impl StepRow {
    pub(crate) fn of(correlation_id: String, Settlement { event, failure, .. }: &Settlement) -> Self {
        Self {
            correlation_id,
            salt: rand::random(),
            at: event.at.as_micros(),
            dispatch: event.dispatch.as_str().to_owned(),
            is_final: i64::from(event.dispatch.status().is_final(None)),
            failure: failure.map(|failure| failure.as_str().to_owned()),
            code: event.code.clone(),
            reason: event.reason.clone(),
            transaction_id: event.transaction_id.as_ref().map(TransactionId::to_string),
        }
    }
}

/// The ids in these rows.
pub(crate) fn ids(names: Vec<String>) -> Result<Vec<CorrelationId>, StorageError> {
    let id = |name: String| {
        let at = Place { table: "outbox", row: &name };
        at.read("correlation_id", CorrelationId::new(&name).ok())
    };
    names.into_iter().map(id).collect()
}
