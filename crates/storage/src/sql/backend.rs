//! An open database, and the units of work on it.

use std::sync::{Arc, OnceLock};

use receiptd_domain::{Checkpoint, LinkSigner};
use sqlx::Pool;

use super::{
    dialect::{self, BEGIN, BEGIN_SNAPSHOT, Database, Home, PROJECTION_PLAN, Pools, check_files},
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
    /// Signs the links of this instance.
    pub(super) signer: OnceLock<Arc<dyn LinkSigner>>,
}

impl Backend {
    pub(crate) fn new(pools: Arc<Pools>) -> Self {
        Self {
            pools,
            signals: Signals::default(),
            journal_writers: JournalWriters::default(),
            backlog_bytes: BacklogBytes::default(),
            chains: Idle::default(),
            signer: OnceLock::new(),
        }
    }

    pub(crate) fn into_store(self) -> Store {
        let signals = self.signals.clone();
        Store::of(self, PROJECTION_PLAN, &signals)
    }

    /// Begins a unit of work that writes.
    pub(super) async fn begin(&self) -> Result<UnitOfWork, sqlx::Error> {
        self.take_writer().await?.begin(BEGIN).await
    }

    /// Begins one of many units of work that maintenance runs one after the other.
    pub(super) async fn begin_maintenance(&self) -> Result<UnitOfWork, sqlx::Error> {
        dialect::give_way(&self.pools).await;
        self.begin().await
    }

    /// Takes a connection that writes, and begins nothing.
    pub(super) async fn take_writer(&self) -> Result<UnitOfWork, sqlx::Error> {
        check_files(&self.pools)?;
        let taken = dialect::take_writer(&self.pools).await;
        self.explained(taken, &self.pools.write).map(|(connection, home)| UnitOfWork::on(connection, home, &self.pools))
    }

    /// Begins a unit of work that reads one snapshot.
    pub(super) async fn snapshot(&self) -> Result<UnitOfWork, sqlx::Error> {
        check_files(&self.pools)?;
        let connection = self.explained(self.pools.read.acquire().await, &self.pools.read)?;
        UnitOfWork::on(connection, Home::default(), &self.pools).begin(BEGIN_SNAPSHOT).await
    }

    fn explained<T>(&self, taken: Result<T, sqlx::Error>, pool: &Pool<Database>) -> Result<T, sqlx::Error> {
        if matches!(taken, Err(sqlx::Error::PoolTimedOut)) {
            dialect::explain_timeout(&self.pools, pool);
        }
        taken
    }
}
