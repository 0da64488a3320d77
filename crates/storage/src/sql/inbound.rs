//! Reads inbound messages.

use async_trait::async_trait;
use receiptd_domain::{Archived, Cursor, Fingerprint, Inbound, Page, PageLimit};

use super::{
    backend::Backend,
    paging::{PageStart, after_archived, count},
};
use crate::{InboundStore, StorageError, rows::InboundRow};

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
        let rows = sql_as!(
            InboundRow,
            "SELECT fingerprint, received_at, source, occurrences, channel, event, sender, transaction_id, body FROM inbound \
             WHERE (received_at, fingerprint) < ($1, $2) ORDER BY received_at DESC, fingerprint DESC LIMIT $3",
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
        let row = sql_as!(
            InboundRow,
            "SELECT fingerprint, received_at, source, occurrences, channel, event, sender, transaction_id, body FROM inbound \
             WHERE fingerprint = $1",
            fingerprint.as_bytes()
        );
        row.fetch_optional(&self.pools.read).await?.map(InboundRow::archived).transpose()
    }
}
