//! Adds the rows of an earlier version to the hash chain. The migration that introduced the chain left a row in
//! `backfill` if there are any.

use receiptd_domain::ChangeKind;

use super::{backend::Backend, dialect::Connection, statements::notification_rows};
use crate::{
    Access, OpenError, StorageError,
    rows::{EventRow, NotificationRow, changes::RowChanges},
};

/// Maximum number of messages in one commit.
const MESSAGES: i64 = 1_000;

impl Backend {
    /// Adds all rows, a part in each commit, before anything else is written. Instances that are opened at the same
    /// time take turns, and if one is stopped, the next one continues. A store that may not write is refused: the rows
    /// would later look as if they had been inserted.
    pub(crate) async fn take_in_backlog(&self, access: Access) -> Result<(), OpenError> {
        let backlog = sql!("SELECT id FROM backfill").fetch_optional(&self.pools.read).await;
        // Most stores have no such rows. Opening them must not wait for another writer.
        if backlog.map_err(|error| OpenError::Chain(error.into()))?.is_none() {
            return Ok(());
        }
        if access == Access::Read {
            return Err(OpenError::Unchained);
        }
        tracing::info!(
            "adding the rows of an earlier version to the hash chain; this happens once and may take minutes"
        );
        while self.backfill_part().await.map_err(OpenError::Chain)? {}
        Ok(())
    }

    /// Adds a part of the rows. Returns whether there were any.
    async fn backfill_part(&self) -> Result<bool, StorageError> {
        let mut unit = self.begin().await?;
        // This locks the row, so that no other instance adds the same rows.
        let mark = sql!("UPDATE backfill SET chained = chained RETURNING chained").fetch_optional(&mut *unit).await?;
        let Some(mark) = mark else {
            unit.rollback().await?;
            return Ok(false);
        };
        let mut changes = RowChanges::default();
        let end = end_of_part(&mut unit, &mark.chained).await?;
        if let Some(end) = &end {
            chain(&mut unit, &mark.chained, end, &mut changes).await?;
            sql!("UPDATE backfill SET chained = $1", end).execute(&mut *unit).await?;
        } else {
            sql!("DELETE FROM backfill").execute(&mut *unit).await?;
        }
        self.commit(unit, &changes).await?;
        Ok(end.is_some())
    }
}

/// The last of the messages in the next part.
async fn end_of_part(connection: &mut Connection, after: &str) -> Result<Option<String>, sqlx::Error> {
    let end = sql!(
        "SELECT MAX(correlation_id) AS \"end?: String\" FROM (SELECT correlation_id FROM messages \
         WHERE correlation_id > $1 ORDER BY correlation_id LIMIT $2) AS part",
        after,
        MESSAGES
    );
    Ok(end.fetch_one(connection).await?.end)
}

/// Adds all rows of the messages after `after`, up to `end`.
async fn chain(
    connection: &mut Connection,
    after: &str,
    end: &str,
    changes: &mut RowChanges,
) -> Result<(), sqlx::Error> {
    let rows = notification_rows!(
        "SELECT ",
        " FROM notifications WHERE correlation_id > $1 AND correlation_id <= $2",
        after,
        end
    );
    for row in rows.fetch_all(&mut *connection).await? {
        changes.notification(ChangeKind::Added, &row, row.occurrences);
    }
    let steps = sql_as!(
        EventRow,
        "SELECT correlation_id, step, at, dispatch, failure, code, reason, transaction_id FROM dispatch_events \
         WHERE correlation_id > $1 AND correlation_id <= $2",
        after,
        end
    );
    for step in steps.fetch_all(connection).await? {
        changes.step(ChangeKind::Added, &step);
    }
    Ok(())
}
