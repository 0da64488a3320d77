//! Connections to the server: what is asked of them, and how long they may keep silent.

use std::{
    io,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::inspect;
use crate::{Access, OpenError, OpenOptions, url::Server};

/// Connects to a server that holds any text, on which no commit is lost, and whose sessions are ours alone. Beside the pool,
/// a first connection to look around.
pub(super) async fn connect(url: &str, options: OpenOptions) -> Result<(PgPool, PgConnection), OpenError> {
    let server = Server::named_by(url)?;
    for parameter in server.ignored {
        tracing::warn!(parameter, "this parameter of the database URL is not known, and ignored");
    }
    let connect = PgConnectOptions::from_str(&server.url).map_err(OpenError::connect)?;
    // It is for floating-point numbers, of which there are none here, and poolers refuse it.
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

/// A pooler that does not know what the URL asks for has words of its own for it.
fn refused(error: sqlx::Error) -> OpenError {
    let is_pooler = error.as_database_error().is_some_and(|error| error.message().contains("startup parameter"));
    if is_pooler { OpenError::Pooler } else { OpenError::connect(error) }
}

/// What each session asks for. Commits are synchronous, so that a role or a database with another default does not weaken
/// the promise. Where a connection is lost and the server does not hear of it, it gives up what was begun, and with it the
/// locks for which the next attempt waits; and the connection itself within half a minute. And a statement is planned each
/// time: a plan that was made for all times when a table was nearly empty reads the whole of it long after, until
/// statistics are gathered. A look-up costs about as much as reading on, as it does from memory and from an SSD.
///
/// It asks in the session, since a pooler refuses settings in the request for a connection.
pub(super) async fn begin_session(connection: &mut PgConnection, options: OpenOptions) -> Result<(), sqlx::Error> {
    // The setting holds no more.
    let idle = options.timeout.min(Duration::from_hours(1)).as_millis();
    let read_only = if options.access == Access::Read { "SET default_transaction_read_only = on;" } else { "" };
    let settings = format!(
        "SET synchronous_commit = on; SET idle_in_transaction_session_timeout = {idle}; SET tcp_keepalives_idle = 15; \
         SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET plan_cache_mode = force_custom_plan; \
         SET random_page_cost = 1.1; {read_only}"
    );
    connection.execute(AssertSqlSafe(settings)).await.map(|_| ())
}

/// The pool. sqlx asks a connection before each use, and after it, whether it still works, and would wait for an answer
/// as long as the network takes to give up, a quarter of an hour. So it is asked here, and not long; before a use only if
/// it was not just asked after the last one.
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

/// Whether a connection works. One that does not answer in time is given up as if it were broken.
async fn answers(connection: &mut PgConnection, patience: Duration) -> Result<bool, sqlx::Error> {
    timeout(patience, connection.ping()).await.unwrap_or_else(|_| Err(silent(patience)))?;
    Ok(true)
}

/// A first connection. A server that is just starting is waited for; of any other it is told what is wrong with it, which
/// a pool would not do.
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

/// Nobody listens yet, or the server says itself that it is not ready.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}

fn silent(patience: Duration) -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the server did not answer within {patience:?}")).into()
}

/// Says why the pool has no connection to give. The pool itself only says that it waited in vain: where the server or a
/// role takes no more connections, it asks again until its time is over.
#[derive(Default)]
pub(super) struct Unanswered {
    last: Mutex<Option<Instant>>,
}

impl Unanswered {
    /// Asks for a connection as those of the pool, and logs what the server says; at most once a minute.
    pub(super) fn explain(&self, pool: &PgPool) {
        const PAUSE: Duration = Duration::from_mins(1);
        const PATIENCE: Duration = Duration::from_secs(5);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        *last = Some(Instant::now());
        let connect = pool.connect_options();
        tokio::spawn(async move {
            if let Err(error) = timeout(PATIENCE, connect.connect()).await.unwrap_or_else(|_| Err(silent(PATIENCE))) {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the database gives no further connection");
            }
        });
    }
}
