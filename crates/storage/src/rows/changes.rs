//! What a unit of work adds to the hash chain.

use receiptd_domain::{
    ChainedTable, ChangeKind, CorrelationId, Fingerprint, JournalPosition, JournalSpan, RowChange, Timestamp,
};

use super::{
    EventRow, InboundRow, NotificationRow, QuarantineRow, SealRow, StatusEventRow,
    audit::AuditRow,
    digest::{self, Chained},
    outbox::RequestRow,
};

/// The changes of a unit of work to chained rows.
#[derive(Default)]
pub(crate) struct RowChanges(Vec<RowChange>);

impl RowChanges {
    pub(crate) fn all(&self) -> &[RowChange] {
        &self.0
    }

    fn push(&mut self, table: ChainedTable, kind: ChangeKind, (key, digest): Chained, occurrences: i64) {
        let occurrences = u32::try_from(occurrences).unwrap_or(u32::MAX);
        self.0.push(RowChange { table, kind, key, digest, occurrences });
    }

    /// Records that a notification was added or removed. `occurrences` is the number that this adds.
    pub(crate) fn notification(&mut self, kind: ChangeKind, row: &NotificationRow, occurrences: i64) {
        self.push(ChainedTable::Notifications, kind, digest::notification(row), occurrences);
    }

    /// Records that a notification arrived again, as `row`.
    pub(crate) fn repetition(&mut self, row: &NotificationRow) {
        let at = Timestamp::from_micros(row.received_at);
        let chained = (digest::notification_key(row.key()), RowChange::encode_times(at, at));
        self.push(ChainedTable::Notifications, ChangeKind::Repeated, chained, row.occurrences);
    }

    /// Records that a message has times that do not follow from its rows.
    pub(crate) fn times(&mut self, id: &str, created_at: i64, updated_at: i64) {
        let [created_at, updated_at] = [created_at, updated_at].map(Timestamp::from_micros);
        self.0.push(RowChange::of_times(id, created_at, updated_at));
    }

    /// Records that a step was added or removed.
    pub(crate) fn step(&mut self, kind: ChangeKind, row: &EventRow) {
        self.push(ChainedTable::DispatchEvents, kind, digest::step(row), 1);
    }

    /// Records that a request to send was added or removed.
    pub(crate) fn request(&mut self, kind: ChangeKind, row: &RequestRow<'_>) {
        self.push(ChainedTable::Outbox, kind, digest::request(row), 1);
    }

    /// Records that the key of a request was added or removed.
    pub(crate) fn idempotency_key(&mut self, kind: ChangeKind, actor: &str, key: &str, id: &str) {
        self.push(ChainedTable::IdempotencyKeys, kind, digest::idempotency_key(actor, key, id), 1);
    }

    /// Records that a key was made.
    pub(crate) fn key(&mut self, name: &str, key: &[u8]) {
        self.push(ChainedTable::Keys, ChangeKind::Added, digest::key(name, key), 1);
    }

    /// Records that an inbound message was added, repeated or removed.
    pub(crate) fn inbound(&mut self, kind: ChangeKind, row: &InboundRow, occurrences: i64) {
        self.push(ChainedTable::Inbound, kind, digest::inbound(row), occurrences);
    }

    /// Records that a body was added to the quarantine, repeated or removed.
    pub(crate) fn quarantined(&mut self, kind: ChangeKind, row: &QuarantineRow, occurrences: i64) {
        self.push(ChainedTable::Quarantine, kind, digest::quarantined(row), occurrences);
    }

    /// Records that an entry of the audit log was added, counted or removed.
    pub(crate) fn audit_entry(&mut self, kind: ChangeKind, row: &AuditRow, count: i64) {
        self.push(ChainedTable::AuditLog, kind, digest::audit_entry(row), count);
    }

    /// Records that a value which does not follow from stored rows has this digest now, or had it before.
    pub(crate) fn attestation(&mut self, kind: ChangeKind, id: &CorrelationId, transaction_id: &str, of: Fingerprint) {
        self.push(ChainedTable::Attestations, kind, (digest::attestation_key(id.as_str(), transaction_id), of), 1);
    }

    /// Records that no message owns the transaction any more, since its owner was removed.
    pub(crate) fn transaction_without_owner(&mut self, id: &CorrelationId, transaction_id: &str) {
        let chained = (digest::attestation_key(id.as_str(), transaction_id), Fingerprint::default());
        self.push(ChainedTable::Attestations, ChangeKind::Repeated, chained, 0);
    }

    /// Records which status events have been trimmed: those up to this number. 0 is the state of a new store.
    pub(crate) fn trimmed(&mut self, kind: ChangeKind, seq: i64) {
        if seq != 0 {
            self.push(ChainedTable::StatusEventsBegin, kind, digest::trimmed(seq), 1);
        }
    }

    /// Records that a batch waits in the journal.
    pub(crate) fn waiting(&mut self, position: JournalPosition, digest: &[u8]) {
        let digest = Fingerprint::from_bytes(digest).unwrap_or_default();
        self.0.push(RowChange::of_waiting(position.key(), digest));
    }

    /// Records that these status events are covered by the hash chain, or were before they changed.
    pub(crate) fn sealed<'a>(
        &mut self,
        kind: ChangeKind,
        seal: &SealRow,
        events: impl IntoIterator<Item = &'a StatusEventRow>,
    ) {
        self.push(ChainedTable::StatusEvents, kind, digest::sealed(seal, events), 1);
    }

    /// Records that these parts of the journal were projected.
    pub(crate) fn projected(&mut self, spans: &[JournalSpan]) {
        let change = |span: &JournalSpan| RowChange::of_batch(span.position.key(), span.to, span.to == span.of);
        self.0.extend(spans.iter().map(change));
    }
}
