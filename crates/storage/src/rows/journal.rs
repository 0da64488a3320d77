//! Rows of `journal`.

use receiptd_domain::{Fingerprint, JournalPosition, JournalRecord, Timestamp, journal_digest};

use super::payload;

/// A batch of a writer.
pub(crate) struct JournalRow {
    pub(crate) sequence: i64,
    pub(crate) appended_at: i64,
    pub(crate) zone: String,
    pub(crate) records: i64,
    pub(crate) projected: i64,
    pub(crate) size: i64,
    pub(crate) payload: Vec<u8>,
    pub(crate) digest: Vec<u8>,
}

impl JournalRow {
    /// The digest that was stored with this content.
    pub(crate) fn expected_digest(&self, position: JournalPosition) -> Fingerprint {
        let appended_at = Timestamp::from_micros(self.appended_at);
        journal_digest(position, appended_at, &self.zone, [self.records, self.size], &self.payload)
    }

    /// `None` if the payload is not one that receiptd wrote.
    pub(crate) fn records(&self) -> Option<Vec<JournalRecord>> {
        let records = payload::records(&self.payload, usize::try_from(self.size).ok()?)?;
        JournalRecord::read_all(&records)
    }
}
