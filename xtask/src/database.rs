//! Fresh databases, made with the migrations of this work tree.

use std::path::Path;

use anyhow::{Context, Result};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use temporary_postgres::Server;

use crate::cargo;

/// Runs one of the few things here that wait for a database.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Makes a file and applies all migrations; answers its URL.
pub(crate) async fn migrated_sqlite(file: &Path) -> Result<String> {
    let mut connection = SqliteConnectOptions::new().filename(file).create_if_missing(true).connect().await?;
    migrator("sqlite").await?.run(&mut connection).await.context("migrations/sqlite")?;
    connection.close().await?;
    Ok(sqlite_url(file))
}

/// How every program here names such a file.
pub(crate) fn sqlite_url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

/// A Postgres database of our own on a server that others may use too.
pub(crate) struct Scratch<'a> {
    server: &'a Server,
    name: String,
}

impl<'a> Scratch<'a> {
    /// Makes an empty database whose name begins with `purpose`.
    pub(crate) async fn create(server: &'a Server, purpose: &str) -> Result<Self> {
        let scratch = Self { server, name: format!("{purpose}_{}", uuid::Uuid::new_v4().simple()) };
        scratch.administer(format!("CREATE DATABASE {}", scratch.name)).await?;
        Ok(scratch)
    }

    pub(crate) fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Applies all migrations.
    pub(crate) async fn migrate(&self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.url()).await?;
        migrator("postgres").await?.run(&mut connection).await.context("migrations/postgres")?;
        Ok(connection.close().await?)
    }

    /// Removes the database, whoever is still connected.
    pub(crate) async fn remove(self) -> Result<()> {
        self.administer(format!("DROP DATABASE {} WITH (FORCE)", self.name)).await
    }

    async fn administer(&self, statement: String) -> Result<()> {
        let address = self.server.url("postgres");
        let mut connection = PgConnection::connect(&address).await.context("could not reach Postgres")?;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

async fn migrator(backend: &str) -> Result<Migrator> {
    let folder = cargo::root().join("migrations").join(backend);
    Migrator::new(folder).await.with_context(|| format!("migrations/{backend}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_take_all_migrations() -> Result<()> {
        let folder = tempfile::tempdir()?;
        block_on(async {
            migrated_sqlite(&folder.path().join("fresh.db")).await?;
            let scratch = Scratch::create(Server::shared()?, "receiptd_xtask_test").await?;
            let migrated = scratch.migrate().await;
            scratch.remove().await?;
            migrated
        })
    }

    /// What a test's thread has started must serve the others: it ends with the process, not with the thread.
    #[test]
    fn the_server_is_durable_and_outlives_the_thread_that_started_it() -> Result<()> {
        let server = std::thread::spawn(Server::shared).join().map_err(|_| anyhow::anyhow!("the thread died"))??;
        block_on(async {
            let mut connection = PgConnection::connect(&server.url("postgres")).await?;
            for name in ["fsync", "full_page_writes", "synchronous_commit"] {
                let setting = sqlx::query_scalar("SELECT current_setting($1)").bind(name);
                let value: String = setting.fetch_one(&mut connection).await?;
                assert_eq!(value, "on", "{name}");
            }
            Ok(())
        })
    }
}
