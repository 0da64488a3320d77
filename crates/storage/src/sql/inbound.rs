//! Stores and reads inbound messages.

use async_trait::async_trait;
use receiptd_domain::{Address, Archived, ChangeKind, Cursor, Fingerprint, Inbound, Page, PageLimit};

use super::{
    backend::Backend,
    dialect::Connection,
    paging::{PageStart, after_archived, count},
    statements::inbound_rows,
};
use crate::{
    InboundStore, StorageError,
    rows::{InboundRow, changes::RowChanges},
};

#[async_trait]
impl InboundStore for Backend {
    async fn list(&self, after: Option<&Cursor>, limit: PageLimit) -> Result<Page<Archived<Inbound>>, StorageError> {
        let PageStart { at, fingerprint, most } = PageStart::of(after, limit);
        let mut snapshot = self.snapshot().await?;
        let sizes = sql!(
            "SELECT CAST(OCTET_LENGTH(body) AS BIGINT) AS \"bytes!: i64\" FROM inbound \
             WHERE (received_at, fingerprint) < ($1, $2) ORDER BY received_at DESC, fingerprint DESC LIMIT $3",
            at,
            fingerprint,
            most
        );
        let sizes: Vec<_> = sizes.fetch_all(&mut *snapshot).await?.into_iter().map(|row| row.bytes).collect();
        let fitting = limit.fitting(&sizes);
        let rows = inbound_rows!(
            "SELECT ",
            " FROM inbound WHERE (received_at, fingerprint) < ($1, $2) ORDER BY received_at DESC, fingerprint DESC \
             LIMIT $3",
            at,
            fingerprint,
            count(fitting)
        );
        let rows = rows.fetch_all(&mut *snapshot).await?;
        snapshot.rollback().await?;
        let items = rows.into_iter().map(InboundRow::archived).collect::<Result<_, _>>()?;
        Ok(Page::of(items, fitting < sizes.len(), after_archived))
    }

    async fn find(&self, fingerprint: Fingerprint) -> Result<Option<Archived<Inbound>>, StorageError> {
        let row = inbound_rows!("SELECT ", " FROM inbound WHERE fingerprint = $1", fingerprint.as_bytes());
        row.fetch_optional(&self.pools.read).await?.map(InboundRow::archived).transpose()
    }

    async fn newest_from(&self, sender: &Address, limit: PageLimit) -> Result<Vec<Archived<Inbound>>, StorageError> {
        let mut snapshot = self.snapshot().await?;
        let sizes = sql!(
            "SELECT CAST(OCTET_LENGTH(body) AS BIGINT) AS \"bytes!: i64\" FROM inbound WHERE sender = $1 \
             ORDER BY received_at DESC, fingerprint DESC LIMIT $2",
            sender.as_str(),
            count(limit.get())
        );
        let sizes: Vec<_> = sizes.fetch_all(&mut *snapshot).await?.into_iter().map(|row| row.bytes).collect();
        let rows = inbound_rows!(
            "SELECT ",
            " FROM inbound WHERE sender = $1 ORDER BY received_at DESC, fingerprint DESC LIMIT $2",
            sender.as_str(),
            count(limit.fitting(&sizes))
        );
        let rows = rows.fetch_all(&mut *snapshot).await?;
        snapshot.rollback().await?;
        rows.into_iter().map(InboundRow::archived).collect()
    }
}

/// Stores an inbound message within a unit of work. One that exists already is counted.
pub(super) async fn store(
    connection: &mut Connection,
    archived: &Archived<Inbound>,
    changes: &mut RowChanges,
) -> Result<(), StorageError> {
    let row = InboundRow::of(archived);
    let stored = sql!(
        "INSERT INTO inbound (fingerprint, received_at, source, occurrences, channel, event, sender, transaction_id, body, \
         salt, signature) VALUES ($1, $2, $9, $3, $4, $5, $6, $7, $8, $10, $11) \
         ON CONFLICT (fingerprint) DO UPDATE SET occurrences = inbound.occurrences + excluded.occurrences \
         RETURNING occurrences",
        row.fingerprint,
        row.received_at,
        row.occurrences,
        row.channel,
        row.event,
        row.sender,
        row.transaction_id,
        row.body,
        row.source,
        row.salt,
        row.signature
    )
    .fetch_one(connection)
    .await?;
    let kind = if stored.occurrences > row.occurrences { ChangeKind::Repeated } else { ChangeKind::Added };
    changes.inbound(kind, &row, row.occurrences);
    Ok(())
}

/// Whether there is one with this fingerprint.
pub(super) async fn is_known(connection: &mut Connection, fingerprint: Fingerprint) -> Result<bool, StorageError> {
    let row = sql!("SELECT occurrences FROM inbound WHERE fingerprint = $1", fingerprint.as_bytes());
    Ok(row.fetch_optional(connection).await?.is_some())
}
