//! Units of work: a transaction on its own connection.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use scopeguard::ScopeGuard;
use sqlx::{Executor, IntoArguments, pool::PoolConnection, query::Query};

use super::dialect::{COMMIT, Connection, Database, Home, Pools, check_files};

/// A unit of work. Its connection is used again only if the unit has ended. Any other connection is closed, since its
/// state is not known.
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
    connection: ScopeGuard<PoolConnection<Database>, fn(PoolConnection<Database>)>,
    home: Home,
    pools: Arc<Pools>,
}

impl UnitOfWork {
    /// A unit on this connection, which returns to its `home`.
    pub(super) fn on(connection: PoolConnection<Database>, home: Home, pools: &Arc<Pools>) -> Self {
        let connection = scopeguard::guard(connection, close as fn(_));
        Self { connection, home, pools: pools.clone() }
    }

    /// Begins a transaction with `statement`.
    pub(super) async fn begin(mut self, statement: &'static str) -> Result<Self, sqlx::Error> {
        let begun = self.execute(statement).await;
        match begun {
            Ok(_) => Ok(self),
            Err(error) => {
                // If the database returns an error, for example because another connection has the lock, nothing has begun.
                if matches!(error, sqlx::Error::Database(_)) {
                    self.end();
                }
                Err(error)
            }
        }
    }

    /// Commits. After an error it is not known whether the commit succeeded.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.execute(COMMIT).await?;
        self.committed()
    }

    /// Executes a single statement without having begun: then the statement is a transaction of its own. After an error it is
    /// not known whether it succeeded.
    pub(super) async fn commit_only(
        mut self,
        statement: Query<'_, Database, impl IntoArguments<Database>>,
    ) -> Result<(), sqlx::Error> {
        statement.execute(&mut *self).await?;
        self.committed()
    }

    fn committed(self) -> Result<(), sqlx::Error> {
        // Data that was committed into a file that is not the database any more must not be acknowledged.
        let checked = check_files(&self.pools);
        self.end();
        Ok(checked?)
    }

    /// Ends without a change, after reading or if there is nothing to do.
    pub(crate) async fn rollback(mut self) -> Result<(), sqlx::Error> {
        self.execute("ROLLBACK").await?;
        self.end();
        Ok(())
    }

    /// The connection can be used again.
    fn end(self) {
        self.home.take_back(ScopeGuard::into_inner(self.connection));
    }
}

fn close(mut connection: PoolConnection<Database>) {
    connection.close_on_drop();
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
