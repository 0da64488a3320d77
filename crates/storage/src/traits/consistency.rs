//! Whether tables that the hash chain does not cover follow from those that it covers.

use async_trait::async_trait;
use receiptd_domain::{CorrelationId, PageLimit, RowKey, Timestamp};

use crate::StorageError;

/// Recomputes what is computed from chained rows, and compares it with what is stored.
#[async_trait]
pub trait Consistency: Send + Sync {
    /// Compares the first messages after `after`, in the order of their ids, with their notifications, dispatch steps
    /// and requests. Messages whose evidence was removed are counted only: the hash chain contains their digests.
    async fn check_messages(
        &self,
        after: Option<&CorrelationId>,
        limit: PageLimit,
    ) -> Result<CheckedMessages, StorageError>;

    /// The first contradiction between other tables. `None` if there is none.
    async fn contradiction(&self) -> Result<Option<Inconsistency>, StorageError>;

    /// The transactions that notifications and dispatch steps name, but that have no owner. The hash chain contains why.
    async fn transactions_without_owner(&self) -> Result<Vec<String>, StorageError>;
}

/// The result of checking some messages.
#[derive(Clone, Debug, Default)]
pub struct CheckedMessages {
    /// The last of the messages. `None` if there were none.
    pub last: Option<CorrelationId>,
    /// The number of messages that follow from their evidence.
    pub derived: u64,
    /// The number of messages whose evidence was removed.
    pub attested: u64,
    /// The first message that differs.
    pub differs: Option<Inconsistency>,
    /// What the hash chain must allow.
    pub claims: Vec<TimesClaim>,
}

/// Times of a message that are neither those of its first step, nor of one of its notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimesClaim {
    pub correlation_id: String,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
}

impl TimesClaim {
    pub(crate) fn new(correlation_id: &str) -> Self {
        Self { correlation_id: correlation_id.to_owned(), created_at: None, updated_at: None }
    }

    pub(crate) fn created_at(self, at: i64) -> Self {
        Self { created_at: Some(Timestamp::from_micros(at)), ..self }
    }

    pub(crate) fn updated_at(self, at: i64) -> Self {
        Self { updated_at: Some(Timestamp::from_micros(at)), ..self }
    }

    /// The message in the hash chain.
    pub fn message(&self) -> [u8; 8] {
        RowKey::message(&self.correlation_id)
    }

    /// Accepts the times that the hash chain allows. Returns whether nothing is left to show.
    pub fn allow(&mut self, [created_at, updated_at]: [Timestamp; 2]) -> bool {
        self.created_at = self.created_at.filter(|at| *at != created_at);
        self.updated_at = self.updated_at.filter(|at| *at != updated_at);
        self.created_at.is_none() && self.updated_at.is_none()
    }
}

/// A contradiction between tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inconsistency {
    /// `altered`, `removed` or `inserted`.
    pub what: &'static str,
    /// The table that contradicts the others.
    pub table: &'static str,
    pub key: String,
    pub detail: String,
}
