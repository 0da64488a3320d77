//! Stores and lists the audit log.

use async_trait::async_trait;
use receiptd_domain::{AuditAction, AuditEntry, AuditFilter, ChangeKind, Cursor, Page, PageLimit, Timestamp};

use super::{backend::Backend, dialect::Connection, paging::bytes, statements::audit_rows};
use crate::{
    AuditLog, StorageError,
    rows::{audit::AuditRow, changes::RowChanges},
};

#[async_trait]
impl AuditLog for Backend {
    #[tracing::instrument(level = "debug", name = "storage.append_audit", skip_all, fields(rows = entries.len()))]
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), StorageError> {
        let mut unit = self.begin().await?;
        let mut changes = RowChanges::default();
        for entry in entries {
            append(&mut unit, entry, entry.count, &mut changes).await?;
        }
        self.commit(unit, changes).await
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<AuditEntry>, StorageError> {
        let end = Cursor { at: Timestamp::from_micros(i64::MAX), id: String::new() };
        let after = after.unwrap_or(&end);
        let rows = audit_rows!(
            "SELECT ",
            " FROM audit_log WHERE (at, id) < ($1, $2) AND at >= $3 AND at < $4 AND ($5 = '' OR actor = $5) AND ($6 \
             = '' OR action = $6) ORDER BY at DESC, id DESC LIMIT $7",
            after.at.as_micros(),
            bytes(&after.id),
            filter.since.map_or(i64::MIN, Timestamp::as_micros),
            filter.until.map_or(i64::MAX, Timestamp::as_micros),
            filter.actor.as_deref().unwrap_or_default(),
            filter.action.map_or("", AuditAction::as_str),
            i64::try_from(limit.get() + 1).unwrap_or(i64::MAX)
        );
        let rows = rows.fetch_all(&self.pools.read).await?.into_iter();
        let entries = rows.map(AuditRow::entry).collect::<Result<Vec<_>, StorageError>>()?;
        Ok(Page::from_surplus(entries, limit, AuditEntry::cursor))
    }
}

/// Increases the count of an entry. Creates the entry if it does not exist. Only one unit of work at a time counts in an
/// entry.
pub(super) async fn append(
    connection: &mut Connection,
    entry: &AuditEntry,
    count: i64,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let row = AuditRow::of(entry);
    let counted = sql!("UPDATE audit_log SET count = count + $2 WHERE id = $1", row.id, count);
    if counted.execute(&mut *connection).await?.rows_affected() == 1 {
        changes.audit_entry(ChangeKind::Repeated, &row, count);
        return Ok(());
    }
    sql!(
        "INSERT INTO audit_log (id, at, actor, action, count, details, os_user) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        row.id,
        row.at,
        row.actor,
        row.action,
        count,
        row.details,
        row.os_user
    )
    .execute(connection)
    .await?;
    changes.audit_entry(ChangeKind::Added, &row, count);
    Ok(())
}
