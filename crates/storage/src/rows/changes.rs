//! What a unit of work adds to the hash chain.

use receiptd_domain::{ChainedTable, ChangeKind, Fingerprint, RowChange, RowKey};

use super::{EventRow, NotificationRow};

/// The changes of a unit of work to chained rows.
#[derive(Default)]
pub(crate) struct RowChanges(Vec<RowChange>);

impl RowChanges {
    pub(crate) fn all(&self) -> &[RowChange] {
        &self.0
    }

    /// Records that a notification was added, repeated or removed. `occurrences` is the number that this adds.
    pub(crate) fn notification(&mut self, kind: ChangeKind, row: &NotificationRow, occurrences: i64) {
        let (key, digest) = notification(row);
        let occurrences = u32::try_from(occurrences).unwrap_or(u32::MAX);
        self.0.push(RowChange { table: ChainedTable::Notifications, kind, key, digest, occurrences });
    }

    /// Records that a step was added or removed.
    pub(crate) fn step(&mut self, kind: ChangeKind, row: &EventRow) {
        let (key, digest) = step(row);
        self.0.push(RowChange { table: ChainedTable::DispatchEvents, kind, key, digest, occurrences: 1 });
    }
}

/// The key of a notification, and the digest of all columns except `occurrences`, which the changes count.
pub(crate) fn notification(row: &NotificationRow) -> (RowKey, Fingerprint) {
    let mut part = [0; 8];
    part.iter_mut().zip(&row.fingerprint).for_each(|(byte, of)| *byte = *of);
    let digest = digest(
        &row.correlation_id,
        [row.fingerprint.as_slice(), &row.received_at.to_be_bytes(), &row.uncorrelated.to_be_bytes(), &row.body],
        [&row.source, &row.event, &row.status_text],
        [
            row.transaction_id.as_deref(),
            row.channel.as_deref(),
            row.recipient.as_deref(),
            row.failure.as_deref(),
            row.code.as_deref(),
            row.reason.as_deref(),
            row.detail.as_deref(),
            row.callback_data.as_deref(),
            row.event_at.map(|at| at.to_string()).as_deref(),
            row.segments.map(|segments| segments.to_string()).as_deref(),
        ],
    );
    (RowKey::new(&row.correlation_id, part), digest)
}

/// The key of a step, and the digest of all columns.
pub(crate) fn step(row: &EventRow) -> (RowKey, Fingerprint) {
    let digest = digest(
        &row.correlation_id,
        [&row.step.to_be_bytes(), &row.at.to_be_bytes()],
        [&row.dispatch],
        [row.failure.as_deref(), row.code.as_deref(), row.reason.as_deref(), row.transaction_id.as_deref()],
    );
    (RowKey::new(&row.correlation_id, row.step.to_be_bytes()), digest)
}

/// Covers all values, and which of the optional values are present.
fn digest<const B: usize, const T: usize, const O: usize>(
    id: &str,
    bytes: [&[u8]; B],
    texts: [&String; T],
    optional: [Option<&str>; O],
) -> Fingerprint {
    let present = optional.map(|value| u8::from(value.is_some()));
    let values = optional.iter().map(|value| value.unwrap_or_default().as_bytes());
    let texts = texts.iter().map(|text| text.as_bytes());
    let parts = [id.as_bytes(), present.as_slice()].into_iter().chain(bytes).chain(texts).chain(values);
    Fingerprint::of_parts(parts)
}
