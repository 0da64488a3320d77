//! The connections to an open database file: one that writes, and several that read.

use std::{io, time::Duration};

use sqlx::{Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};

pub(super) use super::writer::Home;
use super::{files::FileWatch, writer::Writer};
use crate::store::ProjectionPlan;

pub(super) type Connection = SqliteConnection;
pub(super) type Database = Sqlite;

/// Takes the write lock at once. A transaction that reads first and then finds that another writer was faster can only
/// be rolled back.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
pub(super) const BEGIN_SNAPSHOT: &str = "BEGIN";
/// Adds what was changed in messages to the counters and the status events, all rows at once, and commits. If a trigger did this
/// for each row, a projection would take twice as long.
pub(super) const COMMIT: &str = "\
    INSERT INTO counters (hour, channel, status, code, sender, slot, count) \
    SELECT hour, channel, status, code, sender, 0, SUM(change) FROM (\
        SELECT created_at / 3600000000 AS hour, COALESCE(channel, '') AS channel, status, \
            COALESCE(substr(code, 1, 64), '') AS code, COALESCE(substr(sender, 1, 64), '') AS sender, 1 AS change \
        FROM message_changes WHERE status IS NOT NULL \
        UNION ALL \
        SELECT was_created_at / 3600000000, COALESCE(was_channel, ''), was_status, \
            COALESCE(substr(was_code, 1, 64), ''), COALESCE(substr(was_sender, 1, 64), ''), -1 \
        FROM message_changes WHERE was_status IS NOT NULL) \
    GROUP BY hour, channel, status, code, sender HAVING SUM(change) <> 0 \
    ON CONFLICT (hour, channel, status, code, sender, slot) DO UPDATE SET count = count + excluded.count; \
    INSERT INTO status_events (seq, correlation_id, is_sent, channel, status, status_at, is_final, failure, code, reason, \
        changed_at, replaced_by) \
    SELECT last.seq + ROW_NUMBER() OVER (ORDER BY id), correlation_id, is_sent, channel, status, status_at, is_final, failure, \
        code, reason, changed_at, replaced_by \
    FROM message_changes \
    CROSS JOIN (SELECT COALESCE((SELECT MAX(seq) FROM status_events), seq) AS seq FROM status_events_begin) AS last \
    WHERE is_event = 1; \
    DELETE FROM message_changes; \
    COMMIT";

/// There is one writer.
pub(super) const PROJECTION_PLAN: ProjectionPlan =
    ProjectionPlan { time: Duration::from_millis(60), is_exclusive: true };

pub(super) struct Pools {
    /// Never used, and open as long as this value exists. SQLite removes the write-ahead log with the last connection,
    /// and a pool may have no connection at times.
    pub(super) anchor: SqlitePool,
    pub(super) read: SqlitePool,
    /// The pool of the writer, which has one connection.
    pub(super) write: SqlitePool,
    pub(super) writer: Writer,
    /// One connection that merges the log into the file, beside the writer.
    pub(super) merge: SqlitePool,
    /// Dropped after the connections, since it has the files open.
    pub(super) watch: FileWatch,
}

impl Pools {
    pub(super) fn new(
        anchor: SqlitePool,
        read: SqlitePool,
        write: SqlitePool,
        merge: SqlitePool,
        watch: FileWatch,
    ) -> Self {
        Self { anchor, read, write, writer: Writer::default(), merge, watch }
    }
}

pub(super) async fn take_writer(pools: &Pools) -> Result<(PoolConnection<Sqlite>, Home), sqlx::Error> {
    pools.writer.take(&pools.write).await
}

pub(super) async fn give_way(pools: &Pools) {
    pools.writer.give_way().await;
}

pub(super) fn check_files(pools: &Pools) -> io::Result<()> {
    pools.watch.check()
}

/// The only writer is busy, as the error says already.
pub(super) fn explain_timeout(_: &Pools, _: &SqlitePool) {}

/// The writer is closed last, since a reader cannot merge the log into the database.
pub(super) async fn close(pools: &Pools) {
    if pools.watch.must_be_left_alone() {
        // The writer would write to the files and delete the log. A connection that is never dropped is closed only by
        // the end of the process.
        tracing::error!(
            "another program has written to the files of the database; the shutdown leaves them as they are"
        );
        Box::leak(Box::new((pools.write.clone(), pools.writer.clone())));
        return;
    }
    pools.anchor.close().await;
    pools.read.close().await;
    pools.merge.close().await;
    pools.writer.release().await;
    pools.write.close().await;
}
