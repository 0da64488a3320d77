//! Rows of `inbound` and `quarantine`.

use receiptd_domain::{Address, Channel, Fingerprint, Inbound, Kept, Source, Timestamp, Unreadable};

use super::Place;
use crate::StorageError;

pub(crate) struct InboundRow {
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) received_at: i64,
    pub(crate) source: String,
    pub(crate) times: i64,
    pub(crate) channel: Option<String>,
    pub(crate) event: String,
    pub(crate) sender: Option<String>,
    pub(crate) transaction_id: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl InboundRow {
    pub(crate) fn kept(self) -> Result<Kept<Inbound>, StorageError> {
        let what = Inbound {
            channel: self.channel.as_deref().map(Channel::from_name),
            event: self.event,
            sender: self.sender.as_deref().and_then(Address::new),
            transaction_id: self.transaction_id,
        };
        kept("inbound", what, &self.fingerprint, (self.received_at, &self.source, self.times), self.body)
    }
}

pub(crate) struct QuarantineRow {
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) received_at: i64,
    pub(crate) source: String,
    pub(crate) times: i64,
    pub(crate) reason: String,
    pub(crate) body: Vec<u8>,
}

impl QuarantineRow {
    pub(crate) fn kept(self) -> Result<Kept<Unreadable>, StorageError> {
        let what = Unreadable(self.reason);
        kept("quarantine", what, &self.fingerprint, (self.received_at, &self.source, self.times), self.body)
    }
}

fn kept<T>(
    table: &'static str,
    what: T,
    fingerprint: &[u8],
    (received_at, source, times): (i64, &str, i64),
    body: Vec<u8>,
) -> Result<Kept<T>, StorageError> {
    let row = format!("{fingerprint:02x?}");
    let at = Place { table, row: &row };
    Ok(Kept {
        what,
        fingerprint: at.read("fingerprint", Fingerprint::from_bytes(fingerprint))?,
        received_at: Timestamp::from_micros(received_at),
        source: at.read("source", Source::from_word(source))?,
        times,
        body,
    })
}
