//! Reads inbound messages and the quarantine.

use async_trait::async_trait;
use receiptd_domain::{Archived, Cursor, Fingerprint, Inbound, Page, PageLimit, Timestamp, Unreadable};

use super::Backend;
use crate::{
    InboundStore, Quarantine, StorageError,
    rows::{InboundRow, QuarantineRow},
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
        row.fetch_optional(&self.read).await?.map(InboundRow::archived).transpose()
    }
}

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
        let rows = sql_as!(
            QuarantineRow,
            "SELECT fingerprint, received_at, source, occurrences, reason, body FROM quarantine \
             WHERE (received_at, fingerprint) < ($1, $2) ORDER BY received_at DESC, fingerprint DESC LIMIT $3",
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
        let row = sql_as!(
            QuarantineRow,
            "SELECT fingerprint, received_at, source, occurrences, reason, body FROM quarantine WHERE fingerprint = $1",
            fingerprint.as_bytes()
        );
        row.fetch_optional(&self.read).await?.map(QuarantineRow::archived).transpose()
    }
}

fn after_archived<T>(archived: &Archived<T>) -> Cursor {
    Cursor { at: archived.received_at, id: archived.fingerprint.to_string() }
}

/// The beginning of a page, as parameters of the statements.
struct PageStart {
    at: i64,
    fingerprint: Vec<u8>,
    most: i64,
}

impl PageStart {
    /// Without a cursor, the page begins after the latest possible time. A cursor of another list selects some
    /// position, which does no harm.
    fn of(after: Option<&Cursor>, limit: PageLimit) -> Self {
        let end = Cursor { at: Timestamp::from_micros(i64::MAX), id: String::new() };
        let Cursor { at, id } = after.unwrap_or(&end);
        let fingerprint = bytes(id);
        Self { at: at.as_micros(), fingerprint, most: count(limit.get() + 1) }
    }
}

/// The count in the type of the statements.
pub(super) fn count(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}

/// The bytes that the id of a cursor encodes.
pub(super) fn bytes(digits: &str) -> Vec<u8> {
    let byte = |digits: &[u8; 2]| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
    digits.as_bytes().as_chunks().0.iter().filter_map(byte).collect()
}
