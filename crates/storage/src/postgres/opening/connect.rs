//! Connections to the server: their settings, and how long they may be silent.

use std::{io, str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{super::unanswered::silent, inspect, url::Server};
use crate::{Access, OpenError, OpenOptions};

/// Connects to a server that stores any text, that loses no commit, and whose sessions are not shared. Returns the
/// pool, and a first connection for further checks.
pub(super) async fn connect(url: &str, options: OpenOptions) -> Result<(PgPool, PgConnection), OpenError> {
    let server = Server::named_by(url)?;
    for parameter in server.ignored {
        tracing::warn!(parameter, "this parameter of the database URL is unknown and is ignored");
    }
    let connect = PgConnectOptions::from_str(&server.url).map_err(OpenError::connect)?;
    // This setting is for floating-point numbers, which are not used here, and poolers refuse it.
    let connect = connect.extra_float_digits(None);
    let mut first = reach(&connect, options.timeout).await.map_err(refused)?;
    inspect::refuse_shared_sessions(&mut first, &connect).await?;
    begin_session(&mut first, options).await.map_err(OpenError::connect)?;
    inspect::check_encoding(&mut first).await?;
    if options.access != Access::Read {
        inspect::check_durability(&mut first).await?;
    }
    let most = inspect::connection_limit(&mut first, options.connections).await?;
    Ok((pool(OpenOptions { connections: most, ..options }).connect_lazy_with(connect), first))
}

/// A pooler that does not support a setting of the URL reports this with its own message.
fn refused(error: sqlx::Error) -> OpenError {
    let is_pooler = error.as_database_error().is_some_and(|error| error.message().contains("startup parameter"));
    if is_pooler { OpenError::Pooler } else { OpenError::connect(error) }
}

/// The settings of each session:
///
/// - Commits are synchronous, so that other defaults of a role or a database do not weaken durability.
/// - If a connection is lost and the server does not notice, the server rolls back its transaction, which holds locks
///   for which the next attempt waits. It closes the connection within half a minute.
/// - A statement is planned for each execution. A plan that was made when a table was nearly empty would read the whole
///   table long after, until statistics are gathered. Random reads cost about as much as sequential ones, as they do
///   from memory and from an SSD.
///
/// The settings are made in the session, since a pooler refuses them in the startup message.
pub(super) async fn begin_session(connection: &mut PgConnection, options: OpenOptions) -> Result<(), sqlx::Error> {
    // The maximum value of the setting.
    let idle = options.timeout.min(Duration::from_hours(1)).as_millis();
    let read_only = if options.access == Access::Read { "SET default_transaction_read_only = on;" } else { "" };
    let settings = format!(
        "SET synchronous_commit = on; SET idle_in_transaction_session_timeout = {idle}; SET tcp_keepalives_idle = 15; \
         SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET plan_cache_mode = force_custom_plan; \
         SET random_page_cost = 1.1; {read_only}"
    );
    connection.execute(AssertSqlSafe(settings)).await.map(|_| ())
}

/// The pool. Before and after each use, sqlx checks whether a connection still works, and would wait as long as the
/// network takes to report an error, which may be a quarter of an hour. So the check is made here, with a short time
/// limit. Before a use, it is made only if there was none just after the previous use.
fn pool(options: OpenOptions) -> PgPoolOptions {
    const JUST: Duration = Duration::from_millis(500);
    let patience = options.timeout / 2;
    PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(options.timeout)
        .test_before_acquire(false)
        .after_connect(move |connection, _| Box::pin(begin_session(connection, options)))
        .before_acquire(move |connection, meta| {
            let is_sure = meta.idle_for < JUST;
            Box::pin(async move { if is_sure { Ok(true) } else { answers(connection, patience).await } })
        })
        .after_release(move |connection, _| Box::pin(answers(connection, patience)))
}

/// Whether a connection works. A connection that does not answer in time counts as broken.
async fn answers(connection: &mut PgConnection, patience: Duration) -> Result<bool, sqlx::Error> {
    timeout(patience, connection.ping()).await.unwrap_or_else(|_| Err(silent(patience)))?;
    Ok(true)
}

/// A first connection. Waits for a server that is just starting. For any other server, returns the error, which a pool
/// would not do.
pub(super) async fn reach(connect: &PgConnectOptions, patience: Duration) -> Result<PgConnection, sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(200);
    let end = Instant::now() + patience;
    loop {
        match timeout_at(end, connect.connect()).await {
            Err(_) => return Err(silent(patience)),
            Ok(Err(error)) if is_starting(&error) && Instant::now() + PAUSE < end => sleep(PAUSE).await,
            Ok(connected) => return connected,
        }
    }
}

/// Nothing listens yet, or the server reports that it is not ready.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}
