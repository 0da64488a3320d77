//! Exports: a stream of pages, so that ten million rows need no more memory than one page. Nothing is locked between
//! two pages, so a client that reads slowly or stops does not block others.
//!
//! | File | Holds |
//! | --- | --- |
//! | `request` | what to export, and how |
//! | `columns` | the columns of each kind of row |
//! | `write` | rows as CSV or NDJSON |

mod columns;
mod request;
mod write;

use std::{collections::VecDeque, sync::Arc};

use futures_util::{Stream, stream};

use crate::{
    audit::{AuditWriter, PendingEntry},
    domain::{Actor, AuditAction, AuditFilter, CorrelationId, Cursor, Filter, Fingerprint, Message, PageLimit, Status},
    storage::{AuditLog, InboundStore, Messages, Quarantine, StorageError, Store},
};

pub use request::{ExportRequest, Format, Subject, recorded_filters};
pub use write::ExportError;

use columns::{AUDIT, INBOUND, MESSAGES, NOTIFICATIONS, QUARANTINE};
use write::Sheet;

/// Some rows in the format of the export.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    /// The bytes. The first piece begins with the header, if the format has one.
    pub bytes: Vec<u8>,
    /// The number of rows.
    pub rows: usize,
}

/// An export under way.
pub struct Export {
    audit_entry: PendingEntry,
    audit_log: Arc<dyn AuditLog>,
    audit_filter: AuditFilter,
    messages: Arc<dyn Messages>,
    inbound: Arc<dyn InboundStore>,
    quarantine: Arc<dyn Quarantine>,
    subject: Subject,
    sheet: Sheet,
    /// The filters that still have to be scanned, one after the other.
    scans: VecDeque<Filter>,
    /// The position at which the scan continues.
    after: Option<Cursor>,
    /// The messages whose notifications are being written, and the last notification that was written.
    owners: Vec<CorrelationId>,
    written: Option<(CorrelationId, Fingerprint)>,
}

impl Export {
    /// Begins an export from `store`. When this returns, the audit log records that `actor` exports.
    pub async fn begin(
        store: &Store,
        request: ExportRequest,
        audit: &AuditWriter,
        actor: &Actor,
    ) -> Result<Self, ExportError> {
        let details = request.details();
        let ExportRequest { subject, format, byte_order_mark, filter, audit: audit_filter, .. } = request;
        Ok(Self {
            audit_entry: audit.begin(actor, AuditAction::Exported, &details).await?,
            audit_log: store.audit_log.clone(),
            audit_filter,
            messages: store.messages.clone(),
            inbound: store.inbound.clone(),
            quarantine: store.quarantine.clone(),
            subject,
            sheet: Sheet::new(format, byte_order_mark),
            scans: scans(subject, filter),
            after: None,
            owners: Vec::new(),
            written: None,
        })
    }

    /// Returns the pieces. Each is read when it is requested.
    pub fn pieces(self) -> impl Stream<Item = Result<Piece, ExportError>> {
        stream::try_unfold(self, async |mut export| {
            while let Some(piece) = export.next().await? {
                // A page may contain no matching row.
                if !piece.bytes.is_empty() {
                    export.audit_entry.count(piece.rows);
                    return Ok(Some((piece, export)));
                }
            }
            export.audit_entry.commit().await?;
            Ok(None)
        })
    }

    async fn next(&mut self) -> Result<Option<Piece>, ExportError> {
        if self.scans.is_empty() {
            return Ok(None);
        }
        let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
        let piece = match self.subject {
            Subject::Messages => {
                let page = self.next_messages(limit).await?;
                self.sheet.write(MESSAGES, &page)
            }
            Subject::Failures => {
                let page = self.next_messages(limit).await?;
                let failed: Vec<_> = page.into_iter().filter(|message| message.failure.is_some()).collect();
                self.sheet.write(MESSAGES, &failed)
            }
            Subject::Notifications => {
                let page = self.next_notifications(limit).await?;
                self.sheet.write(NOTIFICATIONS, &page)
            }
            Subject::Inbound => {
                let page = self.inbound.list(self.after.as_ref(), limit).await?;
                self.advance(page.next);
                self.sheet.write(INBOUND, &page.items)
            }
            Subject::Quarantine => {
                let page = self.quarantine.list(self.after.as_ref(), limit).await?;
                self.advance(page.next);
                self.sheet.write(QUARANTINE, &page.items)
            }
            Subject::Audit => {
                let page = self.audit_log.list(&self.audit_filter, self.after.as_ref(), limit).await?;
                self.advance(page.next);
                self.sheet.write(AUDIT, &page.items)
            }
        };
        piece.map(Some)
    }

    async fn next_messages(&mut self, limit: PageLimit) -> Result<Vec<Message>, StorageError> {
        let Some(filter) = self.scans.front() else { return Ok(Vec::new()) };
        let page = self.messages.list(filter, self.after.as_ref(), limit).await?;
        self.advance(page.next);
        Ok(page.items)
    }

    /// Returns the next notifications of a page of messages. These have pages too, since a message may have any number
    /// of notifications.
    async fn next_notifications(&mut self, limit: PageLimit) -> Result<Vec<columns::NotificationRow>, StorageError> {
        let mut owners = std::mem::take(&mut self.owners);
        if owners.is_empty() {
            // The scan must not count as complete while the notifications of its last page are not yet written.
            let filter = self.scans.front().cloned().unwrap_or_default();
            let page = self.messages.list(&filter, self.after.as_ref(), limit).await?;
            owners = page.items.into_iter().map(|message| message.correlation_id).collect();
            owners.sort_unstable();
            self.after = page.next;
        }
        let notifications = self.messages.notifications_of(&owners, self.written.as_ref(), limit).await?;
        if let Some((id, recorded)) = notifications.last() {
            self.written = Some((id.clone(), recorded.fingerprint));
            self.owners = owners;
        } else {
            self.written = None;
            let next = self.after.take();
            self.advance(next);
        }
        Ok(notifications)
    }

    /// Advances to the next page or, after the last one, to the next scan.
    fn advance(&mut self, next: Option<Cursor>) {
        if next.is_none() {
            self.scans.pop_front();
        }
        self.after = next;
    }
}

/// Failures are the messages that failed and those that the platform rejected. They are found by these two statuses,
/// since most messages have neither.
fn scans(subject: Subject, filter: Filter) -> VecDeque<Filter> {
    if subject != Subject::Failures || filter.status.is_some() {
        return VecDeque::from([filter]);
    }
    [Status::Failed, Status::Rejected].map(|status| Filter { status: Some(status), ..filter.clone() }).into()
}
