//! Identifiers.

use std::fmt;

use sha2::{Digest, Sha256};

/// Why a text cannot be an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("is empty")]
    Empty,
    /// Longer than an index of Postgres can hold.
    #[error("is longer than {MAX_BYTES} bytes")]
    TooLong,
}

/// The platform's documents allow 50 bytes for a correlation id and 63 characters for a transaction id. Other systems
/// may have sent longer ids. This limit only makes sure that an index of Postgres can hold them.
const MAX_BYTES: usize = 512;

/// The prefix of the id of a message that has no correlation id: `txn:<transaction id>`.
const UNCORRELATED: &str = "txn:";

/// Replaces NUL, which Postgres cannot store in text, and checks the length.
fn checked(text: &str, most: usize) -> Result<String, IdError> {
    let text = text.replace('\0', "\u{FFFD}");
    match text.len() {
        0 => Err(IdError::Empty),
        length if length > most => Err(IdError::TooLong),
        _ => Ok(text),
    }
}

/// The id of a message: the sender's correlation id, or `txn:<transaction id>` if the sender gave none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CorrelationId(String);

impl CorrelationId {
    /// Accepts any text of 1 to 512 bytes.
    pub fn new(text: &str) -> Result<Self, IdError> {
        checked(text, MAX_BYTES).map(Self)
    }

    /// The usual text form of the 16 bytes of a UUID.
    pub fn of_uuid(bytes: &[u8; 16]) -> Self {
        let hex = hex::encode(bytes);
        Self([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
    }

    /// The id of a message of which only the transaction id is known.
    pub fn of_transaction(id: &TransactionId) -> Self {
        Self(format!("{UNCORRELATED}{id}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The platform's id of a message. It is `transid` in notifications and v1 answers, and `messageId` in v2 answers.
/// Opaque.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionId(String);

impl TransactionId {
    /// Accepts any text of 1 to 508 bytes, so that `txn:` and the id together are a valid correlation id.
    pub fn new(text: &str) -> Result<Self, IdError> {
        checked(text, MAX_BYTES - UNCORRELATED.len()).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of the header `Idempotency-Key`. A caller who received no answer can repeat the request with the same key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Maximum length in characters.
    pub const MAX: usize = 255;

    /// Accepts 1 to 255 visible ASCII characters. Quotes around them, as in a structured header, do not belong to the
    /// key.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let is_key = (1..=Self::MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        is_key.then(|| Self(key.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Identifies a notification or a body: the first 16 bytes of a SHA-256.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of several parts. The positions of the borders between the parts count too.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self::from_digest(&hash.finalize())
    }

    /// The fingerprint of a whole body.
    pub fn of_body(body: &[u8]) -> Self {
        Self::from_digest(&Sha256::digest(body))
    }

    /// Reads 16 stored bytes. Returns `None` for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads the output of `Display`: 32 hexadecimal digits.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn from_digest(digest: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_fingerprint_reads_back_in_either_case(bytes in any::<[u8; 16]>()) {
            let fingerprint = Fingerprint(bytes);
            let digits = fingerprint.to_string();
            prop_assert_eq!(Fingerprint::from_hex(&digits), Some(fingerprint));
            prop_assert_eq!(Fingerprint::from_hex(&digits.to_uppercase()), Some(fingerprint));
        }
    }

    #[test]
    fn ids_are_bounded_and_hold_no_nul() {
        assert_eq!(CorrelationId::new(""), Err(IdError::Empty));
        assert_eq!(CorrelationId::new(&"x".repeat(513)), Err(IdError::TooLong));
        assert_eq!(CorrelationId::new("a\0b").unwrap().as_str(), "a\u{FFFD}b");
        let longest = TransactionId::new(&"x".repeat(508)).unwrap();
        assert!(CorrelationId::new(CorrelationId::of_transaction(&longest).as_str()).is_ok());
        assert_eq!(TransactionId::new(&"x".repeat(509)), Err(IdError::TooLong));
        assert_eq!(CorrelationId::new(&"\0".repeat(171)), Err(IdError::TooLong), "the stored form would be too long");
    }

    #[test]
    fn an_idempotency_key_is_visible_ascii_with_or_without_quotes() {
        let key = |text: &str| IdempotencyKey::new(text).map(|key| key.as_str().to_owned());
        for good in ["a", "8e03978e-40d5-43e8-bc93-6894a57f9324", "order=7/2", &"x".repeat(255), "\""] {
            assert_eq!(key(good).as_deref(), Some(good));
        }
        assert_eq!(key(" \"order-7\" "), key("order-7"));
        for bad in ["", " ", "\"\"", "a b", "é", "a\u{7f}", "a\0", &"x".repeat(256)] {
            assert_eq!(key(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_uuid_makes_an_id() {
        let bytes = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef";
        assert_eq!(CorrelationId::of_uuid(&bytes).as_str(), "01234567-89ab-cdef-0123-456789abcdef");
    }

    #[test]
    fn the_position_of_the_border_between_parts_changes_the_fingerprint() {
        let one = Fingerprint::of_parts([b"ab".as_slice(), b"c"]);
        let other = Fingerprint::of_parts([b"a".as_slice(), b"bc"]);
        assert_ne!(one, other);
        assert_eq!(Fingerprint::from_bytes(one.as_bytes()), Some(one));
        assert_eq!(Fingerprint::from_hex(&one.to_string()), Some(one));
        for text in ["", "00", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32), &"+1".repeat(16)] {
            assert_eq!(Fingerprint::from_hex(text), None, "{text}");
        }
    }
}
