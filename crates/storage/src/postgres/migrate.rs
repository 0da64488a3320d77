//! Brings the schema up to date while other instances write.

use std::{error::Error, time::Duration};

use sqlx::{
    Executor,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::connect::begin_session;
use crate::{OpenError, OpenOptions};

/// How long a migration waits for a table that is in use. All who write to the table meanwhile wait behind it, and what
/// was posted to the notify URL has to be answered within nine seconds; so it gives up soon, lets them pass, and tries
/// again.
const PATIENCE: &str = "SET lock_timeout = '1s'";
const PAUSE: Duration = Duration::from_secs(1);

/// Runs what was not run before, each migration in a transaction of its own. Instances that start together take turns.
pub(super) async fn run(
    connect: &PgConnectOptions,
    options: OpenOptions,
    migrator: &Migrator,
) -> Result<(), OpenError> {
    loop {
        // A connection for each attempt: one that failed still holds the lock by which instances take turns.
        let pool = PgPoolOptions::new().max_connections(1).after_connect(move |connection, _| {
            Box::pin(async move {
                begin_session(connection, options).await?;
                connection.execute(PATIENCE).await.map(|_| ())
            })
        });
        let pool = pool.connect_with(connect.clone()).await.map_err(OpenError::connect)?;
        let done = migrator.run(&pool).await;
        pool.close().await;
        match done {
            Err(error) if state(&error).as_deref() == Some(LOCK_NOT_AVAILABLE) => {
                tracing::warn!("the schema waits for another session to end its transaction or its own migration");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) if state(&error).as_deref() == Some(INSUFFICIENT_PRIVILEGE) => {
                return Err(OpenError::MayNotMigrate);
            }
            done => return done.map_err(|error| OpenError::migrate(error, migrator)),
        }
    }
}

const LOCK_NOT_AVAILABLE: &str = "55P03";
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// The SQLSTATE of what the server said.
fn state(error: &MigrateError) -> Option<String> {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<sqlx::Error>()?.as_database_error());
    Some(cause?.code()?.into_owned())
}
