//! Ends leases and waiting messages whose time is over.

use receiptd_domain::{AuditEntry, CorrelationId, Timestamp};

use super::{
    super::{
        audit_log::append,
        backend::Backend,
        dialect::{self, Connection},
    },
    steps::{self, ABANDONED, DOUBTFUL, EXPIRED, RESENT, SHOWN, because, shown},
};
use crate::{
    StorageError,
    rows::{
        changes::RowChanges,
        outbox::{self, StepRow},
    },
};

/// Maximum number of messages in one commit, so that commits of notifications need not wait long.
const MOST: i64 = 1_000;

/// What to end.
#[derive(Clone, Copy)]
pub(super) enum Over {
    /// Leases that are over. Their messages are queued again or become unconfirmed.
    Leases { resend: bool },
    /// Waiting messages that have expired.
    Waiting,
    /// Everything that waits or is being dispatched, after the store was restored from a backup.
    Known,
}

impl Backend {
    /// Ends all of these messages, in as many commits as it takes, and returns their ids. Each commit adds its number
    /// to `entry`.
    #[tracing::instrument(level = "debug", name = "storage.sweep", skip_all)]
    pub(super) async fn sweep(
        &self,
        over: Over,
        now: Timestamp,
        entry: Option<&AuditEntry>,
    ) -> Result<Vec<CorrelationId>, StorageError> {
        let mut all = Vec::new();
        loop {
            let mut transaction = self.begin().await?;
            let mut changes = RowChanges::default();
            let ids = end(&mut transaction, over, now, &mut changes).await?;
            if ids.is_empty() {
                transaction.rollback().await?;
                return outbox::ids(all);
            }
            if let Some(entry) = entry {
                append(&mut transaction, entry, i64::try_from(ids.len()).unwrap_or(i64::MAX), &mut changes).await?;
            }
            self.commit(transaction, changes).await?;
            self.signals.changed.send_replace(());
            all.extend(ids);
        }
    }
}

/// Ends a part of them.
async fn end(
    connection: &mut Connection,
    over: Over,
    now: Timestamp,
    changes: &mut RowChanges,
) -> Result<Vec<String>, StorageError> {
    let mut ids = match over {
        Over::Leases { resend } => dialect::end_leases(connection, now, resend.then_some(now), MOST).await?,
        Over::Waiting => dialect::end_waiting(connection, now, MOST).await?,
        Over::Known => end_all(connection).await?,
    };
    if ids.is_empty() {
        return Ok(ids);
    }
    ids.sort_unstable();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let shown = shown(connection, &names).await?;
    let reached = |id: &String| match over {
        Over::Leases { resend: true } => RESENT,
        Over::Leases { resend: false } => ABANDONED,
        Over::Waiting | Over::Known if shown.contains(id) => SHOWN,
        Over::Waiting => EXPIRED,
        Over::Known => DOUBTFUL,
    };
    let taken: Vec<StepRow> = ids.iter().map(|id| StepRow::of(id.clone(), &because(reached(id), now))).collect();
    steps::take(connection, &taken, changes).await?;
    Ok(ids)
}

/// Ends a part of the messages that wait or are being dispatched.
async fn end_all(connection: &mut Connection) -> Result<Vec<String>, sqlx::Error> {
    let ended = sql!(
        "UPDATE outbox SET due_at = NULL, lease_until = NULL WHERE correlation_id IN (SELECT correlation_id FROM outbox \
             WHERE due_at IS NOT NULL OR lease_until IS NOT NULL ORDER BY correlation_id LIMIT $1) \
         RETURNING correlation_id",
        MOST
    );
    Ok(ended.fetch_all(connection).await?.into_iter().map(|row| row.correlation_id).collect())
}
