//! Connections to the server: what is asked of them, and how long they may keep silent.

use std::{io, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::storage::{OpenError, OpenOptions, url::Server};

/// Connects to a server on which no commit is lost.
pub(super) async fn connect(url: &str, options: OpenOptions) -> Result<PgPool, OpenError> {
    let server = Server::named_by(url)?;
    for parameter in server.ignored {
        tracing::warn!(parameter, "this parameter of the database URL is not known, and ignored");
    }
    let connect = PgConnectOptions::from_str(&server.url).map_err(OpenError::connect)?.options(session(options));
    durable(reach(&connect, options.timeout).await.map_err(OpenError::connect)?).await?;
    Ok(pool(options).connect_lazy_with(connect))
}

/// What each session asks for. Commits are synchronous, so that a role or a database with another default does not weaken
/// the promise. Where a connection is lost and the server does not hear of it, it gives up what was begun, and with it the
/// locks for which the next attempt waits; and the connection itself within half a minute. And a statement is planned each
/// time: a plan that was made for all times when a table was nearly empty reads the whole of it long after, until
/// statistics are gathered. A look-up costs about as much as reading on, as it does from memory and from an SSD.
fn session(options: OpenOptions) -> [(&'static str, String); 7] {
    // More than the setting holds would be no connection at all.
    let idle = options.timeout.min(Duration::from_hours(1));
    [
        ("synchronous_commit", "on".to_owned()),
        ("idle_in_transaction_session_timeout", idle.as_millis().to_string()),
        ("tcp_keepalives_idle", "15".to_owned()),
        ("tcp_keepalives_interval", "5".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
        ("plan_cache_mode", "force_custom_plan".to_owned()),
        ("random_page_cost", "1.1".to_owned()),
    ]
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
async fn reach(connect: &PgConnectOptions, patience: Duration) -> Result<PgConnection, sqlx::Error> {
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

/// Refuses a server on which a commit may be lost.
async fn durable(mut connection: PgConnection) -> Result<(), OpenError> {
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut connection)
            .await
            .map_err(OpenError::connect)?;
        if value == "off" {
            return Err(OpenError::NotDurable { setting, value });
        }
    }
    Ok(())
}
