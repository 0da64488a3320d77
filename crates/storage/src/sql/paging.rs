//! Pages of inbound messages and of the quarantine, and the parameters of statements that read pages.

use receiptd_domain::{Archived, Cursor, PageLimit, Timestamp};

pub(super) fn after_archived<T>(archived: &Archived<T>) -> Cursor {
    Cursor { at: archived.received_at, id: archived.fingerprint.to_string() }
}

/// The beginning of a page, as parameters of the statements.
pub(super) struct PageStart {
    pub(super) at: i64,
    pub(super) fingerprint: Vec<u8>,
    pub(super) most: i64,
}

impl PageStart {
    /// Without a cursor, the page begins after the latest possible time. A cursor of another list selects some
    /// position, which does no harm.
    pub(super) fn of(after: Option<&Cursor>, limit: PageLimit) -> Self {
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
