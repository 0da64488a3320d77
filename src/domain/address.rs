//! Recipients.

use std::fmt;

use super::Fingerprint;

/// Longer ones (some browser push ids) are kept as a digest, so that an index can hold them.
const MAX_BYTES: usize = 512;

/// A recipient, in the one form in which recipients are compared and shown: a phone number as its digits, without
/// plus or separators (the platform itself is not consistent); a mail address in lower case; anything else as it
/// came.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(String);

impl Address {
    /// Reads an address as people and the platform write it. `None` for an empty one.
    pub fn new(text: &str) -> Option<Self> {
        let Self(normal) = Self::unbounded(text)?;
        let is_short = normal.len() <= MAX_BYTES;
        Some(Self(if is_short { normal } else { format!("sha256:{}", Fingerprint::of_body(normal.as_bytes())) }))
    }

    /// The same, whole however long it is: as it stands in texts.
    pub(super) fn unbounded(text: &str) -> Option<Self> {
        // Postgres cannot store NUL in text.
        let text = text.trim().replace('\0', "\u{FFFD}");
        let normal = phone_digits(&text).unwrap_or_else(|| if text.contains('@') { text.to_lowercase() } else { text });
        (!normal.is_empty()).then_some(Self(normal))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The digits of a phone number, if that is what `text` is.
fn phone_digits(text: &str) -> Option<String> {
    let number = text.strip_prefix('+').unwrap_or(text);
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let is_phone = digits.len() >= 5 && number.chars().all(|c| c.is_ascii_digit() || " -.()".contains(c));
    is_phone.then_some(digits)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Personal data: a debug print shows no more than the length.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_recipient_has_one_form() {
        for text in ["+447700900123", "447700900123", " +44 7700 900-123", "(44) 7700.900123"] {
            assert_eq!(Address::new(text).unwrap().as_str(), "447700900123");
        }
        assert_eq!(Address::new("Dana@Example.ORG").unwrap().as_str(), "dana@example.org");
        assert_eq!(Address::new("GB.1000000000000001").unwrap().as_str(), "GB.1000000000000001");
        assert_eq!(Address::new("urn:mbid:AQ+/=").unwrap().as_str(), "urn:mbid:AQ+/=");
        assert_eq!(Address::new("  "), None);
    }

    #[test]
    fn a_long_one_becomes_a_digest_and_stays_itself() {
        let long = "p".repeat(5000);
        assert_eq!(Address::new(&long), Address::new(&long));
        assert!(Address::new(&long).unwrap().as_str().len() < 64);
    }

    #[test]
    fn a_debug_print_hides_it() {
        assert!(!format!("{:?}", Address::new("447700900123")).contains("7700"));
    }
}
