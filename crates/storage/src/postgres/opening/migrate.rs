//! Migrates the schema while other instances write.

use std::{error::Error, time::Duration};

use sqlx::{
    Executor,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::connect::begin_session;
use crate::{OpenError, OpenOptions, schema::newest};

/// How long a migration waits for a table that is in use. All who write to the table wait behind it meanwhile, and a
/// post to the notify URL must be answered within nine seconds. So the migration gives up soon, lets the others
/// continue, and tries again.
const PATIENCE: &str = "SET lock_timeout = '1s'";
const PAUSE: Duration = Duration::from_secs(1);

/// Applies the missing migrations, each in its own transaction. Instances that start together take turns.
pub(super) async fn run(
    connect: &PgConnectOptions,
    options: OpenOptions,
    migrator: &Migrator,
) -> Result<(), OpenError> {
    loop {
        // A new connection for each attempt: a failed one still holds the lock by which instances take turns.
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
                tracing::warn!("the migration waits for another session to end its transaction or its own migration");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) if state(&error).as_deref() == Some(INSUFFICIENT_PRIVILEGE) => {
                return Err(OpenError::MayNotMigrate);
            }
            done => return done.map_err(|error| OpenError::migrate(error, newest(migrator))),
        }
    }
}

const LOCK_NOT_AVAILABLE: &str = "55P03";
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// The SQLSTATE of the server's error.
fn state(error: &MigrateError) -> Option<String> {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<sqlx::Error>()?.as_database_error());
    Some(cause?.code()?.into_owned())
}
