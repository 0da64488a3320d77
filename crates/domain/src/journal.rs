//! The journal: what arrived, in the order in which it was committed.

use super::{Arrival, BodySignature, Fingerprint, RowKey, Source, Timestamp, Writer};

/// The position of a batch in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JournalPosition {
    pub writer: Writer,
    /// The number of the batch among those of its writer, starting at 1.
    pub sequence: i64,
}

impl JournalPosition {
    /// The first position of a writer.
    pub fn first(writer: Writer) -> Self {
        Self { writer, sequence: 1 }
    }

    /// Its key in the hash chain.
    pub fn key(self) -> RowKey {
        RowKey { message: RowKey::short(self.writer.as_bytes()), part: self.sequence.to_be_bytes() }
    }

    /// The next position of the same writer.
    #[must_use]
    pub fn next(self) -> Self {
        Self { sequence: self.sequence + 1, ..self }
    }
}

/// One body as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    pub received_at: Timestamp,
    pub source: Source,
    pub body: Vec<u8>,
    /// The platform's signature of the body, if it came with one.
    pub signature: Option<BodySignature>,
}

impl JournalRecord {
    /// Time, source and the two lengths, in bytes.
    const HEAD: usize = 8 + 1 + 1 + 4;

    /// Its size in the journal, in bytes.
    pub fn size(&self) -> usize {
        Self::HEAD + signature_bytes(self.signature.as_ref()).len() + self.body.len()
    }

    /// Reads the records of a payload. `None` if it is not one that [`journal_payload`] wrote.
    pub fn read_all(mut payload: &[u8]) -> Option<Vec<Self>> {
        let mut records = Vec::new();
        while !payload.is_empty() {
            let (at, rest) = payload.split_first_chunk()?;
            let (source, rest) = rest.split_first()?;
            let (signed, rest) = rest.split_first()?;
            let (length, rest) = rest.split_first_chunk()?;
            let (signature, rest) = rest.split_at_checked(usize::from(*signed))?;
            let (body, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
            records.push(Self {
                received_at: Timestamp::from_micros(i64::from_be_bytes(*at)),
                source: source_of(*source)?,
                body: body.to_vec(),
                signature: match *signed {
                    0 => None,
                    _ => Some(BodySignature::from_bytes(signature)?),
                },
            });
            payload = rest;
        }
        Some(records)
    }
}

/// The records of some arrivals, one after the other: the time in microseconds (8 bytes), the source (1 byte), the lengths of the
/// signature (1 byte) and of the body (4 bytes), the signature, and the body.
pub fn journal_payload(arrivals: &[Arrival]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(payload_size(arrivals));
    for arrival in arrivals {
        let (received_at, source, body) = arrival.as_posted();
        let signature = signature_bytes(arrival.signature());
        payload.extend(received_at.as_micros().to_be_bytes());
        payload.push(byte_of(source));
        // It has at most 64 bytes.
        payload.push(u8::try_from(signature.len()).unwrap_or(u8::MAX));
        // The limit on a request's body is far below 4 GB.
        payload.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
        payload.extend(signature);
        payload.extend(body);
    }
    payload
}

/// The digest that is stored with a batch, of everything that does not change. `counts` are the number of its records and their
/// size.
pub fn journal_digest(
    position: JournalPosition,
    appended_at: Timestamp,
    zone: &str,
    counts: [i64; 2],
    payload: &[u8],
) -> Fingerprint {
    Fingerprint::of_parts([
        position.writer.as_bytes(),
        &position.sequence.to_be_bytes(),
        &appended_at.as_micros().to_be_bytes(),
        zone.as_bytes(),
        counts.map(i64::to_be_bytes).as_flattened(),
        payload,
    ])
}

/// The size of what [`journal_payload`] returns, in bytes.
fn payload_size(arrivals: &[Arrival]) -> usize {
    let size = |arrival: &Arrival| JournalRecord::HEAD + signature_bytes(arrival.signature()).len() + arrival.size();
    arrivals.iter().map(size).sum()
}

/// No bytes stand for no signature.
fn signature_bytes(signature: Option<&BodySignature>) -> &[u8] {
    signature.map_or(&[], BodySignature::as_bytes)
}

fn byte_of(source: Source) -> u8 {
    match source {
        Source::Notify => 0,
        Source::Import => 1,
    }
}

fn source_of(byte: u8) -> Option<Source> {
    [Source::Notify, Source::Import].into_iter().find(|source| byte_of(*source) == byte)
}

/// A batch of the journal that is not projected, or only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalBatch {
    pub position: JournalPosition,
    /// When it was appended, by the clock of the writer.
    pub appended_at: Timestamp,
    /// The IANA name of the tenant's time zone at that time, for times without an offset.
    pub zone: String,
    /// How many of its records are projected: the first ones.
    pub projected: usize,
    /// All records.
    pub records: Vec<JournalRecord>,
}

/// Some successive records of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSpan {
    pub position: JournalPosition,
    /// The number of records before the span.
    pub from: usize,
    /// The number of records up to the end of the span.
    pub to: usize,
    /// The number of records of the batch.
    pub of: usize,
    /// The size of its records in the journal, in bytes.
    pub bytes: usize,
}

impl JournalSpan {
    /// The span that consists of `arrivals`, which follow `from` others, and are followed by `left` others.
    pub fn of(position: JournalPosition, from: usize, arrivals: &[Arrival], left: usize) -> Self {
        let to = from + arrivals.len();
        Self { position, from, to, of: to + left, bytes: payload_size(arrivals) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Archived, Unreadable};

    fn any_signature() -> impl Strategy<Value = Option<BodySignature>> {
        let bytes = |length| proptest::collection::vec(any::<u8>(), length);
        let signed = prop_oneof![bytes(32), bytes(64)].prop_map(|bytes| BodySignature::from_bytes(&bytes));
        prop_oneof![Just(None), signed]
    }

    proptest! {
        #[test]
        fn a_payload_is_read_as_it_was_written_and_never_if_it_was_cut(
            bodies in proptest::collection::vec(
                (any::<i64>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40), any_signature()), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let records: Vec<_> = bodies.into_iter().map(|(at, imported, body, signature)| JournalRecord {
                received_at: Timestamp::from_micros(at),
                source: if imported { Source::Import } else { Source::Notify },
                body,
                signature,
            }).collect();
            let arrivals: Vec<_> = records.iter().map(|record| {
                let why = Unreadable(String::new());
                let kept = Archived::first_arrival(why, record.body.clone(), record.source, record.received_at);
                Arrival::Quarantined(kept).signed(record.signature.clone())
            }).collect();
            let written = journal_payload(&arrivals);
            let last = records.last().unwrap().size();
            let end = written.len() - 1 - cut.index(last - 1).min(last - 2);
            prop_assert_eq!(JournalRecord::read_all(&written[..end]), None);
            prop_assert_eq!(JournalRecord::read_all(&written), Some(records));
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = JournalRecord::read_all(&bytes);
        }
    }
}
