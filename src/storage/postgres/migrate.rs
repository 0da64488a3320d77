//! Brings the schema up to date while other instances write.

use std::{error::Error, time::Duration};

use sqlx::{
    error::DatabaseError,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::super::OpenError;

/// How long a migration waits for a table that is in use. All who write to the table meanwhile wait behind it, and what
/// was posted to the notify URL has to be answered within nine seconds; so it gives up soon, lets them pass, and tries
/// again.
const PATIENCE: &str = "1s";
const PAUSE: Duration = Duration::from_secs(1);

/// Runs what was not run before, each migration in a transaction of its own. Instances that start together take turns.
pub(super) async fn run(connect: PgConnectOptions) -> Result<(), OpenError> {
    let connect = connect.options([("lock_timeout", PATIENCE)]);
    let migrator = sqlx::migrate!("migrations/postgres");
    loop {
        // A connection for each attempt: one that failed still holds the lock by which instances take turns.
        let pool = PgPoolOptions::new().max_connections(1).connect_with(connect.clone()).await;
        let pool = pool.map_err(OpenError::connect)?;
        let done = migrator.run(&pool).await;
        pool.close().await;
        match done {
            Err(error) if is_in_use(&error) => {
                tracing::warn!("the schema waits for another session to end its transaction or its own migration");
                tokio::time::sleep(PAUSE).await;
            }
            done => return done.map_err(|error| OpenError::migrate(error, &migrator)),
        }
    }
}

/// SQLSTATE 55P03, `lock_not_available`.
fn is_in_use(error: &MigrateError) -> bool {
    let database = error.source().and_then(|cause| cause.downcast_ref::<sqlx::Error>()?.as_database_error());
    database.and_then(DatabaseError::code).is_some_and(|code| code == "55P03")
}
