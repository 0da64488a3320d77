//! Somebody who is to be forgotten.

use super::Address;

/// What stands in the place of what was removed.
pub const ERASED: &str = "erased";
/// The same in the place of a body.
pub const ERASED_BODY: &[u8] = br#"{"erased":true}"#;

/// A person, as far as an address tells.
#[derive(Clone, Debug)]
pub struct Person {
    address: Address,
    /// The form in which texts are searched.
    needle: Address,
    is_phone: bool,
}

impl Person {
    /// The person with this address, as people write it. `None` for an empty one, and for the mark of those who were
    /// removed already.
    pub fn new(text: &str) -> Option<Self> {
        let address = Address::new(text).filter(|address| address.as_str() != ERASED)?;
        let is_phone = address.as_str().chars().all(|c| c.is_ascii_digit());
        Some(Self { needle: Address::unbounded(text)?, address, is_phone })
    }

    /// The address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether a text or a body names the person. Separators within a phone number do not matter. Where the address is
    /// only a part of another one it is named too: to remove too much is better than to leave something.
    pub fn is_named_in(&self, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text).to_lowercase();
        let needle = self.needle.as_str().to_lowercase();
        text.contains(&needle) || (self.is_phone && text.replace([' ', '-', '.', '(', ')', '/'], "").contains(&needle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_found_however_the_address_is_written() {
        let person = Person::new("+44 7700 900123").unwrap();
        for text in ["447700900123", "+447700900123", "call (44) 7700-900.123 now", r#"{"to":"+44 7700 900123"}"#] {
            assert!(person.is_named_in(text.as_bytes()), "{text}");
        }
        assert!(!person.is_named_in(b"447700900124"));
        let person = Person::new("Dana@Example.org").unwrap();
        assert!(person.is_named_in(b"to: <dana@EXAMPLE.org>"));
        assert!(!person.is_named_in(b"dana@example.com"));
        let long = "Push".repeat(500);
        assert!(Person::new(&long).unwrap().is_named_in(format!("[{long}]").as_bytes()));
    }

    #[test]
    fn nobody_is_no_person() {
        assert!(Person::new(" ").is_none());
        assert!(Person::new(ERASED).is_none());
    }
}
