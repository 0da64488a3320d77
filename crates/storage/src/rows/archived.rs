//! Rows of `inbound` and `quarantine`.

use receiptd_domain::{Address, Archived, BodySignature, Channel, Fingerprint, Inbound, Source, Timestamp, Unreadable};

use super::{place::Place, salt::Salt};
use crate::StorageError;

#[derive(Clone)]
pub(crate) struct InboundRow {
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) salt: Salt,
    pub(crate) received_at: i64,
    pub(crate) source: String,
    pub(crate) occurrences: i64,
    pub(crate) channel: Option<String>,
    pub(crate) event: String,
    pub(crate) sender: Option<String>,
    pub(crate) transaction_id: Option<String>,
    pub(crate) body: Vec<u8>,
    /// The platform's signature of the body.
    pub(crate) signature: Option<Vec<u8>>,
}

impl InboundRow {
    pub(crate) fn of(archived: &Archived<Inbound>) -> Self {
        Self {
            fingerprint: archived.fingerprint.as_bytes().to_vec(),
            salt: rand::random(),
            received_at: archived.received_at.as_micros(),
            source: archived.source.as_str().to_owned(),
            occurrences: archived.occurrences,
            channel: archived.what.channel.as_ref().map(Channel::to_string),
            event: archived.what.event.clone(),
            sender: archived.what.sender.as_ref().map(Address::to_string),
            transaction_id: archived.what.transaction_id.clone(),
            body: archived.body.clone(),
            signature: archived.signature.as_ref().map(|it| it.as_bytes().to_vec()),
        }
    }

    pub(crate) fn archived(self) -> Result<Archived<Inbound>, StorageError> {
        let what = Inbound {
            channel: self.channel.as_deref().map(Channel::from_name),
            event: self.event,
            sender: self.sender.as_deref().and_then(Address::new),
            transaction_id: self.transaction_id,
        };
        archived(
            "inbound",
            what,
            &self.fingerprint,
            (self.received_at, &self.source, self.occurrences),
            (self.body, self.signature),
        )
    }
}

#[derive(Clone)]
pub(crate) struct QuarantineRow {
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) salt: Salt,
    pub(crate) received_at: i64,
    pub(crate) source: String,
    pub(crate) occurrences: i64,
    pub(crate) reason: String,
    pub(crate) body: Vec<u8>,
    /// The platform's signature of the body.
    pub(crate) signature: Option<Vec<u8>>,
}

impl QuarantineRow {
    pub(crate) fn of(archived: &Archived<Unreadable>) -> Self {
        Self {
            fingerprint: archived.fingerprint.as_bytes().to_vec(),
            salt: rand::random(),
            received_at: archived.received_at.as_micros(),
            source: archived.source.as_str().to_owned(),
            occurrences: archived.occurrences,
            reason: archived.what.0.clone(),
            body: archived.body.clone(),
            signature: archived.signature.as_ref().map(|it| it.as_bytes().to_vec()),
        }
    }

    pub(crate) fn archived(self) -> Result<Archived<Unreadable>, StorageError> {
        let what = Unreadable(self.reason);
        archived(
            "quarantine",
            what,
            &self.fingerprint,
            (self.received_at, &self.source, self.occurrences),
            (self.body, self.signature),
        )
    }
}

fn archived<T>(
    table: &'static str,
    what: T,
    fingerprint: &[u8],
    (received_at, source, occurrences): (i64, &str, i64),
    (body, signature): (Vec<u8>, Option<Vec<u8>>),
) -> Result<Archived<T>, StorageError> {
    let row = hex::encode(fingerprint);
    let at = Place { table, row: &row };
    Ok(Archived {
        what,
        fingerprint: at.read("fingerprint", Fingerprint::from_bytes(fingerprint))?,
        received_at: Timestamp::from_micros(received_at),
        source: at.read("source", Source::from_word(source))?,
        occurrences,
        body,
        signature: signature.as_deref().and_then(BodySignature::from_bytes),
    })
}
