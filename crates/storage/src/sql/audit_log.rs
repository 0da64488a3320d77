//! Stores and lists the audit log.

use async_trait::async_trait;
use receiptd_domain::{Actor, AuditAction, AuditEntry, AuditFilter, Cursor, Page, PageLimit, Timestamp};

use super::{backend::Backend, dialect::Connection, paging::bytes};
use crate::{AuditLog, StorageError};

#[async_trait]
impl AuditLog for Backend {
    #[tracing::instrument(level = "debug", name = "storage.append_audit", skip_all, fields(rows = entries.len()))]
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), StorageError> {
        let mut unit = self.begin().await?;
        for entry in entries {
            append(&mut unit, entry, entry.count).await?;
        }
        Ok(unit.commit().await?)
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<&Cursor>,
        limit: PageLimit,
    ) -> Result<Page<AuditEntry>, StorageError> {
        let end = Cursor { at: Timestamp::from_micros(i64::MAX), id: String::new() };
        let after = after.unwrap_or(&end);
        let rows = sql_as!(
            AuditRow,
            "SELECT id, at, actor, os_user, action, count, details FROM audit_log WHERE (at, id) < ($1, $2) \
             AND at >= $3 AND at < $4 AND ($5 = '' OR actor = $5) AND ($6 = '' OR action = $6) \
             ORDER BY at DESC, id DESC LIMIT $7",
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

struct AuditRow {
    id: Vec<u8>,
    at: i64,
    actor: String,
    os_user: Option<String>,
    action: String,
    count: i64,
    details: Option<String>,
}

impl AuditRow {
    fn entry(self) -> Result<AuditEntry, StorageError> {
        let corrupt = |column| StorageError::Corrupt { table: "audit_log", column, row: self.at.to_string() };
        Ok(AuditEntry {
            id: self.id.try_into().map_err(|_| corrupt("id"))?,
            action: AuditAction::from_word(&self.action).ok_or_else(|| corrupt("action"))?,
            at: Timestamp::from_micros(self.at),
            actor: Actor::named(&self.actor).run_by(self.os_user),
            count: self.count,
            details: self.details,
        })
    }
}

/// Increases the count of an entry. Creates the entry if it does not exist.
pub(super) async fn append(connection: &mut Connection, entry: &AuditEntry, count: i64) -> Result<(), StorageError> {
    sql!(
        "INSERT INTO audit_log (id, at, actor, action, count, details, os_user) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (id) DO UPDATE SET count = audit_log.count + excluded.count",
        entry.id.as_slice(),
        entry.at.as_micros(),
        entry.actor.as_str(),
        entry.action.as_str(),
        count,
        entry.details,
        entry.actor.os_user()
    )
    .execute(connection)
    .await?;
    Ok(())
}
