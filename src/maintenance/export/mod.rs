//! Exports: a stream of pages, so that ten million rows take no more memory than one page. Between two pages nothing is
//! held: a reader that is slow, or that stops half way, blocks no one.
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

pub use request::{ExportRequest, Format, Subject};
pub use write::ExportError;

use columns::{AUDIT, INBOUND, MESSAGES, NOTIFICATIONS, QUARANTINE};
use write::Sheet;

/// Some rows, as they are written.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    /// The bytes; the first piece begins with the header, where the format has one.
    pub bytes: Vec<u8>,
    /// How many rows they are.
    pub rows: usize,
}

/// An export under way.
pub struct Export {
    undertaking: PendingEntry,
    audit_log: Arc<dyn AuditLog>,
    audit_filter: AuditFilter,
    messages: Arc<dyn Messages>,
    inbound: Arc<dyn InboundStore>,
    quarantine: Arc<dyn Quarantine>,
    subject: Subject,
    sheet: Sheet,
    /// What is still to be walked through, one after the other.
    scans: VecDeque<Filter>,
    /// Where the scan goes on.
    after: Option<Cursor>,
    /// The messages whose notifications are being written, and the last one that was.
    owners: Vec<CorrelationId>,
    written: Option<(CorrelationId, Fingerprint)>,
}

impl Export {
    /// Of what `store` holds; the audit log has on disk that `actor` takes it out.
    pub async fn begin(
        store: &Store,
        request: ExportRequest,
        audit: &AuditWriter,
        actor: &Actor,
    ) -> Result<Self, ExportError> {
        let details = request.details();
        let ExportRequest { subject, format, byte_order_mark, filter, audit: audit_filter, .. } = request;
        Ok(Self {
            undertaking: audit.begin(actor, AuditAction::Exported, &details).await?,
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

    /// The pieces, each of which is read when it is asked for.
    pub fn pieces(self) -> impl Stream<Item = Result<Piece, ExportError>> {
        stream::try_unfold(self, async |mut export| {
            while let Some(piece) = export.next().await? {
                // A page may hold nothing that was asked for.
                if !piece.bytes.is_empty() {
                    export.undertaking.count(piece.rows);
                    return Ok(Some((piece, export)));
                }
            }
            export.undertaking.commit().await?;
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
                self.go_on(page.next);
                self.sheet.write(INBOUND, &page.items)
            }
            Subject::Quarantine => {
                let page = self.quarantine.list(self.after.as_ref(), limit).await?;
                self.go_on(page.next);
                self.sheet.write(QUARANTINE, &page.items)
            }
            Subject::Audit => {
                let page = self.audit_log.list(&self.audit_filter, self.after.as_ref(), limit).await?;
                self.go_on(page.next);
                self.sheet.write(AUDIT, &page.items)
            }
        };
        piece.map(Some)
    }

    async fn next_messages(&mut self, limit: PageLimit) -> Result<Vec<Message>, StorageError> {
        let Some(filter) = self.scans.front() else { return Ok(Vec::new()) };
        let page = self.messages.list(filter, self.after.as_ref(), limit).await?;
        self.go_on(page.next);
        Ok(page.items)
    }

    /// The notifications of a page of messages, again page by page, since a message may have any number.
    async fn next_notifications(&mut self, limit: PageLimit) -> Result<Vec<columns::Told>, StorageError> {
        let mut owners = std::mem::take(&mut self.owners);
        if owners.is_empty() {
            // The scan must not count as over while the notifications of its last page are still to come.
            let filter = self.scans.front().cloned().unwrap_or_default();
            let page = self.messages.list(&filter, self.after.as_ref(), limit).await?;
            owners = page.items.into_iter().map(|message| message.correlation_id).collect();
            owners.sort_unstable();
            self.after = page.next;
        }
        let told = self.messages.notifications_of(&owners, self.written.as_ref(), limit).await?;
        if let Some((id, recorded)) = told.last() {
            self.written = Some((id.clone(), recorded.fingerprint));
            self.owners = owners;
        } else {
            self.written = None;
            let next = self.after.take();
            self.go_on(next);
        }
        Ok(told)
    }

    /// To the next page, or else the next scan.
    fn go_on(&mut self, next: Option<Cursor>) {
        if next.is_none() {
            self.scans.pop_front();
        }
        self.after = next;
    }
}

/// Failures are those that failed and those that the platform refused. Both are looked for by their status, since most
/// messages are neither.
fn scans(subject: Subject, filter: Filter) -> VecDeque<Filter> {
    if subject != Subject::Failures || filter.status.is_some() {
        return VecDeque::from([filter]);
    }
    [Status::Failed, Status::Rejected].map(|status| Filter { status: Some(status), ..filter.clone() }).into()
}
