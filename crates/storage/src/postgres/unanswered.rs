//! A server that does not answer.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sqlx::{ConnectOptions, PgPool};
use tokio::time::{Instant, timeout};

/// The error of a server that was silent for this long.
pub(super) fn silent(patience: Duration) -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the server did not answer within {patience:?}")).into()
}

/// Finds out why the pool has no free connection. The pool itself only reports a timeout: if the server or a role
/// allows no more connections, the pool tries again until its time is over.
#[derive(Default)]
pub(super) struct Unanswered {
    last: Mutex<Option<Instant>>,
}

impl Unanswered {
    /// Opens a connection like those of the pool, and logs the server's error, at most once a minute.
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
                tracing::error!(error, "the database allows no further connection");
            }
        });
    }
}
