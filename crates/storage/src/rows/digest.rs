//! The keys and the digests of chained rows.

use receiptd_domain::{Fingerprint, RowKey};

use super::{
    EventRow, InboundRow, NotificationRow, QuarantineRow, SealRow, StatusEventRow, audit::AuditRow, outbox::RequestRow,
};

/// A row in the hash chain.
pub(crate) type Chained = (RowKey, Fingerprint);

pub(crate) fn notification_key((correlation_id, fingerprint): (&str, &[u8])) -> RowKey {
    let mut part = [0; 8];
    part.iter_mut().zip(fingerprint).for_each(|(byte, of)| *byte = *of);
    RowKey::new(correlation_id, part)
}

/// Covers all columns except `occurrences`, which the changes count.
pub(crate) fn notification(row: &NotificationRow) -> Chained {
    let digest = digest(
        [
            row.correlation_id.as_bytes(),
            &row.fingerprint,
            &row.salt.to_be_bytes(),
            &row.received_at.to_be_bytes(),
            &row.uncorrelated.to_be_bytes(),
            &row.body,
            &row.signature,
            row.source.as_bytes(),
            row.event.as_bytes(),
            row.status_text.as_bytes(),
        ],
        [
            row.transaction_id.as_deref(),
            row.channel.as_deref(),
            row.recipient.as_deref(),
            row.failure.as_deref(),
            row.code.as_deref(),
            row.reason.as_deref(),
            row.detail.as_deref(),
            row.callback_data.as_deref(),
            number(row.event_at).as_deref(),
            number(row.segments).as_deref(),
        ],
    );
    (notification_key(row.key()), digest)
}

/// Covers all columns.
pub(crate) fn step(row: &EventRow) -> Chained {
    let digest = digest(
        [
            row.correlation_id.as_bytes(),
            &row.step.to_be_bytes(),
            &row.at.to_be_bytes(),
            row.dispatch.as_bytes(),
            &row.salt.to_be_bytes(),
            &row.attempts.to_be_bytes(),
            &row.settled.to_be_bytes(),
            &row.counted.to_be_bytes(),
        ],
        [
            row.failure.as_deref(),
            row.code.as_deref(),
            row.reason.as_deref(),
            row.transaction_id.as_deref(),
            number(row.due_at).as_deref(),
            number(row.lease_until).as_deref(),
        ],
    );
    (RowKey::new(&row.correlation_id, row.step.to_be_bytes()), digest)
}

/// Covers the columns of the outbox that only an erasure changes. The others are those of the last step.
pub(crate) fn request(row: &RequestRow<'_>) -> Chained {
    let digest = digest(
        [row.correlation_id.as_bytes(), &row.salt.to_be_bytes(), row.channel.as_bytes(), row.request.as_bytes()],
        [number(row.expire_at).as_deref()],
    );
    (RowKey::new(row.correlation_id, [0; 8]), digest)
}

/// Covers all columns.
pub(crate) fn idempotency_key(actor: &str, key: &str, correlation_id: &str) -> Chained {
    let name = Fingerprint::of_parts([actor.as_bytes(), key.as_bytes()]);
    let digest = digest([actor.as_bytes(), key.as_bytes(), correlation_id.as_bytes()], []);
    (RowKey::of_fingerprint(name), digest)
}

/// Covers both columns.
pub(crate) fn key(name: &str, key: &[u8]) -> Chained {
    (RowKey::of_fingerprint(Fingerprint::of_body(name.as_bytes())), digest([name.as_bytes(), key], []))
}

/// Covers all columns except `occurrences`.
pub(crate) fn inbound(row: &InboundRow) -> Chained {
    let digest = digest(
        [
            row.fingerprint.as_slice(),
            &row.salt.to_be_bytes(),
            &row.received_at.to_be_bytes(),
            row.source.as_bytes(),
            row.event.as_bytes(),
            &row.body,
            row.signature.as_deref().unwrap_or_default(),
        ],
        [row.channel.as_deref(), row.sender.as_deref(), row.transaction_id.as_deref()],
    );
    (of_bytes(&row.fingerprint), digest)
}

/// Covers all columns except `occurrences`.
pub(crate) fn quarantined(row: &QuarantineRow) -> Chained {
    let digest = digest(
        [
            row.fingerprint.as_slice(),
            &row.salt.to_be_bytes(),
            &row.received_at.to_be_bytes(),
            row.source.as_bytes(),
            row.reason.as_bytes(),
            &row.body,
            row.signature.as_deref().unwrap_or_default(),
        ],
        [],
    );
    (of_bytes(&row.fingerprint), digest)
}

/// Covers all columns except `count`, which the changes count.
pub(crate) fn audit_entry(row: &AuditRow) -> Chained {
    let digest = digest(
        [row.id.as_slice(), &row.at.to_be_bytes(), row.actor.as_bytes(), row.action.as_bytes()],
        [row.os_user.as_deref(), row.details.as_deref()],
    );
    (of_bytes(&row.id), digest)
}

pub(crate) fn attestation_key(correlation_id: &str, transaction_id: &str) -> RowKey {
    let part = if transaction_id.is_empty() { [0; 8] } else { RowKey::short(transaction_id.as_bytes()) };
    RowKey::new(correlation_id, part)
}

/// Covers the number up to which status events have been trimmed.
pub(crate) fn trimmed(seq: i64) -> Chained {
    (of_bytes(&[]), digest([seq.to_be_bytes().as_slice()], []))
}

/// Covers all columns of the events that the seal covers.
pub(crate) fn sealed<'a>(seal: &SealRow, events: impl IntoIterator<Item = &'a StatusEventRow>) -> Chained {
    let events = events.into_iter().filter(|event| seal.covers(event)).map(status_event).collect::<Vec<_>>().concat();
    let key = RowKey { message: seal.begins_after.to_be_bytes(), part: seal.up_to.to_be_bytes() };
    (key, digest([seal.begins_after.to_be_bytes().as_slice(), &seal.up_to.to_be_bytes(), &events], []))
}

fn status_event(row: &StatusEventRow) -> Vec<u8> {
    let digest = digest(
        [
            row.seq.to_be_bytes().as_slice(),
            row.correlation_id.as_bytes(),
            &row.is_sent.to_be_bytes(),
            row.status.as_bytes(),
            &row.status_at.to_be_bytes(),
            &row.is_final.to_be_bytes(),
            &row.changed_at.to_be_bytes(),
        ],
        [
            row.channel.as_deref(),
            row.failure.as_deref(),
            row.code.as_deref(),
            row.reason.as_deref(),
            row.replaced_by.as_deref(),
        ],
    );
    digest.as_bytes().to_vec()
}

/// A key that identifies a row of its table. A value of another length, which receiptd never writes, becomes another
/// key.
fn of_bytes(bytes: &[u8]) -> RowKey {
    let whole = Fingerprint::from_bytes(bytes).unwrap_or_else(|| Fingerprint::of_body(bytes));
    RowKey::of_fingerprint(whole)
}

fn number(value: Option<i64>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// Covers all values, and which of the optional values are present.
pub(crate) fn digest<'a>(
    values: impl IntoIterator<Item = &'a [u8]>,
    optional: impl IntoIterator<Item = Option<&'a str>>,
) -> Fingerprint {
    let optional: Vec<_> = optional.into_iter().collect();
    let present: Vec<u8> = optional.iter().map(|value| u8::from(value.is_some())).collect();
    let mut parts: Vec<&[u8]> = vec![&present];
    for value in values {
        parts.push(value);
    }
    parts.extend(optional.iter().map(|value| value.unwrap_or_default().as_bytes()));
    Fingerprint::of_parts(parts)
}
