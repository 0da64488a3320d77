//! An open database, and the units of work on it.

use std::sync::Arc;

use receiptd_domain::Checkpoint;
use sqlx::Pool;

use super::{
    dialect::{self, BEGIN, BEGIN_SNAPSHOT, Database, PROJECTION_TIME, Pools},
    unit_of_work::UnitOfWork,
};
use crate::{
    Store,
    idle::Idle,
    journal_writers::{BacklogBytes, JournalWriters},
    store::Signals,
};

/// An open database. Each of the traits is implemented in a file of its own.
pub(crate) struct Backend {
    pub(super) pools: Arc<Pools>,
    pub(super) signals: Signals,
    pub(super) journal_writers: JournalWriters,
    pub(super) backlog_bytes: BacklogBytes,
    pub(super) chains: Idle<Checkpoint>,
}

impl Backend {
    pub(crate) fn new(pools: Pools) -> Self {
        Self {
            pools: Arc::new(pools),
            signals: Signals::default(),
            journal_writers: JournalWriters::default(),
            backlog_bytes: BacklogBytes::default(),
            chains: Idle::default(),
        }
    }

    pub(crate) fn into_store(self) -> Store {
        let signals = self.signals.clone();
        Store::of(self, PROJECTION_TIME, &signals)
    }

    /// Begins a unit of work that writes.
    pub(super) async fn begin(&self) -> Result<UnitOfWork, sqlx::Error> {
        self.begin_by(&self.pools.write, BEGIN).await
    }

    /// Begins a unit of work that reads one snapshot.
    pub(super) async fn snapshot(&self) -> Result<UnitOfWork, sqlx::Error> {
        self.begin_by(&self.pools.read, BEGIN_SNAPSHOT).await
    }

    async fn begin_by(&self, pool: &Pool<Database>, statement: &'static str) -> Result<UnitOfWork, sqlx::Error> {
        let begun = UnitOfWork::begin(pool, statement, &self.pools).await;
        if matches!(begun, Err(sqlx::Error::PoolTimedOut)) {
            dialect::explain_timeout(&self.pools, pool);
        }
        begun
    }
}
