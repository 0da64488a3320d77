//! Rows of `dispatch_events`.

use receiptd_domain::{Dispatch, DispatchEvent, Timestamp};
use serde::Deserialize;

use super::{
    place::{Place, transaction},
    salt::Salt,
};
use crate::StorageError;

/// What is read of a step.
pub(crate) struct DispatchRow {
    pub(crate) correlation_id: String,
    pub(crate) at: i64,
    pub(crate) dispatch: String,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) transaction_id: Option<String>,
}

impl DispatchRow {
    pub(crate) fn event(self) -> Result<DispatchEvent, StorageError> {
        let at = Place { table: "dispatch_events", row: &self.correlation_id };
        Ok(DispatchEvent {
            at: Timestamp::from_micros(self.at),
            dispatch: at.read("dispatch", Dispatch::from_word(&self.dispatch))?,
            code: self.code,
            reason: self.reason,
            transaction_id: at.read_opt("transaction_id", self.transaction_id.as_deref(), transaction)?,
        })
    }
}

/// A complete row of `dispatch_events`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct EventRow {
    pub(crate) correlation_id: String,
    pub(crate) step: i64,
    pub(crate) salt: Salt,
    pub(crate) at: i64,
    pub(crate) dispatch: String,
    pub(crate) failure: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) transaction_id: Option<String>,
    /// This and the following: the state of the outbox after the step.
    pub(crate) attempts: i64,
    pub(crate) settled: i64,
    pub(crate) counted: i64,
    pub(crate) due_at: Option<i64>,
    pub(crate) lease_until: Option<i64>,
}
