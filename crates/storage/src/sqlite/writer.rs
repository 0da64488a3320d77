//! The connection that writes.

use std::sync::Arc;

use sqlx::{Sqlite, SqlitePool, pool::PoolConnection};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, watch},
    time::timeout,
};

/// The only connection that writes. Units of work use it one at a time, in the order in which they come. In between it does not
/// return to its pool, since a pool tests its connections before and after each use, which takes as long as two more
/// statements.
#[derive(Clone, Default)]
pub(super) struct Writer {
    kept: Arc<Mutex<Option<PoolConnection<Sqlite>>>>,
    used: watch::Sender<()>,
}

/// Where a connection returns after a unit of work.
#[derive(Default)]
pub(super) enum Home {
    #[default]
    Pool,
    Writer(OwnedMutexGuard<Option<PoolConnection<Sqlite>>>, watch::Sender<()>),
}

impl Writer {
    /// Waits until it is free, at most as long as for a connection of the pool.
    pub(super) async fn take(&self, pool: &SqlitePool) -> Result<(PoolConnection<Sqlite>, Home), sqlx::Error> {
        let waiting = timeout(pool.options().get_acquire_timeout(), self.kept.clone().lock_owned());
        let mut kept = waiting.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let connection = match kept.take() {
            Some(connection) => connection,
            None => pool.acquire().await?,
        };
        Ok((connection, Home::Writer(kept, self.used.clone())))
    }

    /// Notifies after it was used.
    pub(super) fn used(&self) -> watch::Receiver<()> {
        self.used.subscribe()
    }

    /// Returns it to its pool as soon as its work is done.
    pub(super) async fn release(&self) {
        self.kept.lock().await.take();
    }
}

impl Home {
    pub(super) fn take_back(self, connection: PoolConnection<Sqlite>) {
        if let Self::Writer(mut kept, used) = self {
            *kept = Some(connection);
            used.send_replace(());
        }
    }
}
