//! Stores and reads the quarantine.

use async_trait::async_trait;
use receiptd_domain::{Archived, ChangeKind, Cursor, Fingerprint, Page, PageLimit, Unreadable};

use super::{
    backend::Backend,
    dialect::Connection,
    paging::{PageStart, after_archived, count},
    statements::quarantine_rows,
};
use crate::{
    Quarantine, StorageError,
    rows::{QuarantineRow, changes::RowChanges},
};

#[async_trait]
impl Quarantine for Backend {
    async fn list(&self, after: Option<&Cursor>, limit: PageLimit) -> Result<Page<Archived<Unreadable>>, StorageError> {
        let PageStart { at, fingerprint, most } = PageStart::of(after, limit);
        let mut snapshot = self.snapshot().await?;
        let sizes = sql!(
            "SELECT CAST(OCTET_LENGTH(body) AS BIGINT) AS \"bytes!: i64\" FROM quarantine \
             WHERE (received_at, fingerprint) < ($1, $2) ORDER BY received_at DESC, fingerprint DESC LIMIT $3",
            at,
            fingerprint,
            most
        );
        let sizes: Vec<_> = sizes.fetch_all(&mut *snapshot).await?.into_iter().map(|row| row.bytes).collect();
        let fitting = limit.fitting(&sizes);
        let rows = quarantine_rows!(
            "SELECT ",
            " FROM quarantine WHERE (received_at, fingerprint) < ($1, $2) ORDER BY received_at DESC, fingerprint \
             DESC LIMIT $3",
            at,
            fingerprint,
            count(fitting)
        );
        let rows = rows.fetch_all(&mut *snapshot).await?;
        snapshot.rollback().await?;
        let items = rows.into_iter().map(QuarantineRow::archived).collect::<Result<_, _>>()?;
        Ok(Page::of(items, fitting < sizes.len(), after_archived))
    }

    async fn find(&self, fingerprint: Fingerprint) -> Result<Option<Archived<Unreadable>>, StorageError> {
        let row = quarantine_rows!("SELECT ", " FROM quarantine WHERE fingerprint = $1", fingerprint.as_bytes());
        row.fetch_optional(&self.pools.read).await?.map(QuarantineRow::archived).transpose()
    }
}

/// Stores a body within a unit of work. One that exists already is counted.
pub(super) async fn store(
    connection: &mut Connection,
    archived: &Archived<Unreadable>,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let row = QuarantineRow::of(archived);
    let stored = sql!(
        "INSERT INTO quarantine (fingerprint, received_at, occurrences, reason, body, source, salt, signature) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (fingerprint) DO UPDATE SET occurrences = quarantine.occurrences + excluded.occurrences \
         RETURNING occurrences",
        row.fingerprint,
        row.received_at,
        row.occurrences,
        row.reason,
        row.body,
        row.source,
        row.salt,
        row.signature
    )
    .fetch_one(connection)
    .await?;
    let kind = if stored.occurrences > row.occurrences { ChangeKind::Repeated } else { ChangeKind::Added };
    changes.quarantined(kind, &row, row.occurrences);
    Ok(())
}

/// Whether there is one with this fingerprint.
pub(super) async fn is_known(connection: &mut Connection, fingerprint: Fingerprint) -> Result<bool, StorageError> {
    let row = sql!("SELECT occurrences FROM quarantine WHERE fingerprint = $1", fingerprint.as_bytes());
    Ok(row.fetch_optional(connection).await?.is_some())
}
