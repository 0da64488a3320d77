//! Units of work: a transaction on its own connection.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{Executor, Pool, pool::PoolConnection};

use super::dialect::{Connection, Database, Pools, check_files};

/// A unit of work. Its connection returns to the pool only if the unit has ended. Any other connection is closed, since
/// its state is not known.
///
/// sqlx's own transaction is not enough here. It rolls back when it is dropped, and the connection is used again. This
/// fails in three cases:
///
/// - On SQLite, a full disk has caused a rollback already. The second rollback fails, and from then on the connection
///   refuses to begin anything.
/// - On Postgres, a `BEGIN` that was cancelled before its answer arrived leaves a transaction open. The next
///   transaction would read its old snapshot.
/// - A rollback on a server that does not answer occupies a slot of the pool for as long as that lasts.
pub(crate) struct UnitOfWork {
    connection: PoolConnection<Database>,
    is_over: bool,
    pools: Arc<Pools>,
}

impl UnitOfWork {
    /// Takes a connection and begins with `statement`, if the files of the database are still there.
    pub(crate) async fn begin(
        pool: &Pool<Database>,
        statement: &'static str,
        pools: &Arc<Pools>,
    ) -> Result<Self, sqlx::Error> {
        check_files(pools)?;
        let mut unit = Self { connection: pool.acquire().await?, is_over: false, pools: pools.clone() };
        let begun = unit.execute(statement).await;
        // If the database returns an error, for example because another connection has the lock, nothing has begun.
        unit.is_over = matches!(begun, Err(sqlx::Error::Database(_)));
        begun.map(|_| unit)
    }

    /// Commits. After an error it is not known whether the commit succeeded.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.execute("COMMIT").await?;
        self.is_over = true;
        // Data that was committed into a file that is not the database any more must not be acknowledged.
        Ok(check_files(&self.pools)?)
    }

    /// Ends without a change, after reading or if there is nothing to do.
    pub(crate) async fn rollback(mut self) -> Result<(), sqlx::Error> {
        self.execute("ROLLBACK").await?;
        self.is_over = true;
        Ok(())
    }
}

impl Deref for UnitOfWork {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for UnitOfWork {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for UnitOfWork {
    fn drop(&mut self) {
        if !self.is_over {
            self.connection.close_on_drop();
        }
    }
}
