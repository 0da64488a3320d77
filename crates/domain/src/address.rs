//! Addresses of recipients.

use std::fmt;

use super::{Fingerprint, Recipient, number::PhoneNumber, readings, sign};

/// Longer addresses (some browser push ids) are stored as a digest, so that an index can hold them.
const MAX_BYTES: usize = 512;

/// The address of a recipient, in the one form in which addresses are compared and shown. A phone number is stored as
/// its digits with the country code, whichever way it was written. A mail address is in lower case. Any other id stays
/// as it arrived.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(String);

/// Why a text cannot be an address to search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("must not be blank")]
    Blank,
    /// A number without its country code. No address is stored in this form.
    #[error(
        "is a number without its country code: write it as in +447700900123; an id that begins with 0 needs its kind, as \
         in userid:0123456"
    )]
    National,
    /// The text that replaces erased addresses.
    #[error("is the text that replaces erased data; name a number or an address")]
    Erased,
}

impl Address {
    /// Reads an address as people and the platform write it. Returns `None` for an empty text.
    pub fn new(text: &str) -> Option<Self> {
        let Self(normal) = Self::unbounded(text)?;
        let is_short = normal.len() <= MAX_BYTES;
        Some(Self(if is_short { normal } else { format!("sha256:{}", Fingerprint::of_body(normal.as_bytes())) }))
    }

    /// Reads an address to search for. Its kind may stand before it, as in `userid:0123456`.
    pub fn wanted(text: &str) -> Result<Self, AddressError> {
        Self::new(wanted_id(text)?).ok_or(AddressError::Blank)
    }

    /// Like [`Address::wanted`], but a long address is not replaced by its digest. Use it to search texts.
    pub(super) fn wanted_unbounded(text: &str) -> Result<Self, AddressError> {
        Self::unbounded(wanted_id(text)?).ok_or(AddressError::Blank)
    }

    fn unbounded(text: &str) -> Option<Self> {
        // Postgres cannot store NUL in text.
        let bare = |text: &str| text.trim_matches(sign::is_blank).replace('\0', "\u{FFFD}");
        let text = bare(text);
        let is_mail = |text: &String| text.contains('@');
        let normal = match PhoneNumber::read(&text) {
            Some(number) => number.digits().to_owned(),
            None if is_mail(&text) => text.to_lowercase(),
            // In a URL the `@` may be escaped: dana%40example.org.
            None => readings::plain(&text).map(|plain| bare(&plain).to_lowercase()).filter(is_mail).unwrap_or(text),
        };
        (!normal.is_empty()).then_some(Self(normal))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a phone number, or an id that looks like one.
    pub fn is_number(&self) -> bool {
        PhoneNumber::read(&self.0).is_some()
    }
}

/// Whether a text has no visible character.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(sign::is_blank)
}

/// The id to search for, without its kind.
fn wanted_id(text: &str) -> Result<&str, AddressError> {
    let named = text.trim_matches(sign::is_blank).split_once(':').filter(|(kind, _)| Recipient::is_kind(kind));
    let (id, may_be_number) = named.map_or((text, true), |(kind, id)| (id, Recipient::is_number_kind(kind)));
    let is_national = may_be_number && PhoneNumber::read(id).is_some_and(|number| number.is_national());
    if is_national { Err(AddressError::National) } else { Ok(id) }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address is personal data, so the debug output shows only its length.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_spellings_of_a_recipient_have_one_form() {
        for text in ["+447700900123", "00447700900123", "\u{202A}+44 7700 900123\u{202C}", "447700900123@c.us"] {
            assert_eq!(Address::new(text).unwrap().as_str(), "447700900123");
        }
        assert_eq!(Address::new("%2B447700900123").unwrap().as_str(), "447700900123");
        for text in ["\u{200E}Dana@Example.ORG ", "Dana%40example.org%20", "dana%2540Example.org"] {
            assert_eq!(Address::new(text).unwrap().as_str(), "dana@example.org");
        }
        for text in ["50%25", "a%20b", "AT&amp;T", r"C:\new"] {
            assert_eq!(Address::new(text).unwrap().as_str(), text, "every other id stays unchanged");
        }
        assert_eq!(Address::new("GB.1000000000000001").unwrap().as_str(), "GB.1000000000000001");
        assert_eq!(Address::new("urn:mbid:AQ+/=").unwrap().as_str(), "urn:mbid:AQ+/=");
        assert_eq!(Address::new(" \u{200B}"), None);
    }

    #[test]
    fn a_national_number_is_rejected_and_an_id_needs_its_kind() {
        let wanted = |text: &str| Address::wanted(text).map(|address| address.as_str().to_owned());
        assert_eq!(wanted("+44 7700 900123"), Ok("447700900123".to_owned()));
        assert_eq!(wanted("msisdn:00447700900123"), Ok("447700900123".to_owned()));
        assert_eq!(wanted("userid:07700900123"), Ok("07700900123".to_owned()));
        assert_eq!(wanted("urn:mbid:AQ"), Ok("urn:mbid:AQ".to_owned()));
        for national in ["07700900123", "(0)7700 900123", "+0 7700 900123", "tel:07700900123", "waid:07700900123"] {
            assert_eq!(wanted(national), Err(AddressError::National), "{national}");
        }
        assert_eq!(wanted("userid: "), Err(AddressError::Blank));
    }

    #[test]
    fn a_long_address_becomes_a_stable_digest() {
        let long = "p".repeat(5000);
        assert_eq!(Address::new(&long), Address::new(&long));
        assert!(Address::new(&long).unwrap().as_str().len() < 64);
    }

    #[test]
    fn the_debug_output_hides_the_address() {
        assert!(!format!("{:?}", Address::new("447700900123")).contains("7700"));
    }

    proptest! {
        #[test]
        fn normalizing_an_address_twice_changes_nothing(text in ".{0,24}|[%2540B&#;\\\\uxa@ ]{0,24}|[0-9+ ()@.:A-Za-z\u{202A}-\u{202E}]{0,24}") {
            if let Some(once) = Address::new(&text) {
                prop_assert_eq!(Address::new(once.as_str()), Some(once), "{:?}", text);
            }
        }
    }
}
