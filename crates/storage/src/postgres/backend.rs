//! The connections to a server.

use std::{io, time::Duration};

use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};

use super::unanswered::Unanswered;
use crate::store::ProjectionPlan;

pub(super) type Connection = PgConnection;
pub(super) type Database = Postgres;

pub(super) const BEGIN: &str = "BEGIN";
/// Triggers have counted the messages and written the status events already, once a statement.
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// A projection locks the rows of its messages, and other instances may wait for them.
pub(super) const PROJECTION_PLAN: ProjectionPlan =
    ProjectionPlan { time: Duration::from_millis(50), is_exclusive: false };

pub(super) struct Pools {
    pub(super) read: PgPool,
    pub(super) write: PgPool,
    pub(super) unanswered: Unanswered,
}

/// Every connection returns to its pool.
#[derive(Default)]
pub(super) enum Home {
    #[default]
    Pool,
}

impl Home {
    #[expect(clippy::unused_self, reason = "on SQLite the writer is kept elsewhere")]
    pub(super) fn take_back(self, _: PoolConnection<Postgres>) {}
}

pub(super) async fn take_writer(pools: &Pools) -> Result<(PoolConnection<Postgres>, Home), sqlx::Error> {
    Ok((pools.write.acquire().await?, Home::Pool))
}

/// Who waits for a lock gets it in turn.
pub(super) async fn give_way(_: &Pools) {}

/// The files are those of the server.
#[expect(clippy::unnecessary_wraps, reason = "on SQLite the files are checked")]
pub(super) fn check_files(_: &Pools) -> io::Result<()> {
    Ok(())
}

/// The server or the role may allow no further connection.
pub(super) fn explain_timeout(pools: &Pools, pool: &PgPool) {
    pools.unanswered.explain(pool);
}

pub(super) async fn close(pools: &Pools) {
    pools.read.close().await;
    pools.write.close().await;
}
