//! The filters of a list that a person saved under a name.

use std::{collections::BTreeMap, fmt};

use super::{Address, Person, Timestamp};

/// A list whose filters can be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ViewedList {
    Messages,
    /// The counts of failures.
    Failures,
    Audit,
}

impl ViewedList {
    pub const ALL: [Self; 3] = [Self::Messages, Self::Failures, Self::Audit];

    /// The word of the API, of the command line and of the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Failures => "failures",
            Self::Audit => "audit",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.as_str() == word)
    }
}

/// The name of a saved view: one line for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ViewName(String);

impl ViewName {
    /// The longest name, in characters.
    pub const LONGEST: usize = 60;

    /// Reads a name, without the blanks around it.
    pub fn new(text: &str) -> Result<Self, String> {
        let is_line = text.chars().count() <= Self::LONGEST && !text.chars().any(char::is_control);
        match text.trim() {
            name if is_line && !name.is_empty() => Ok(Self(name.to_owned())),
            _ => Err(format!("must be one line of 1 to {} characters", Self::LONGEST)),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What identifies a saved view. It is random, so an address with it tells neither the name nor the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewId(i64);

impl ViewId {
    pub const fn new(id: i64) -> Self {
        Self(id)
    }

    pub const fn get(self) -> i64 {
        self.0
    }

    /// Reads the 16 hexadecimal digits of an id.
    pub fn from_hex(text: &str) -> Option<Self> {
        let is_hex = text.len() == 16 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let id = is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten()?;
        Some(Self(id.cast_signed()))
    }
}

impl fmt::Display for ViewId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0.cast_unsigned())
    }
}

/// Filters that a person saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    pub id: ViewId,
    pub list: ViewedList,
    pub name: ViewName,
    /// The filters, by their names in the API.
    pub filter: BTreeMap<String, String>,
    pub saved_at: Timestamp,
}

impl SavedView {
    /// The most views that an owner can save.
    pub const MOST: u32 = 100;

    /// Whether the view names the person: as the recipient, or in any of its texts.
    pub fn names(&self, person: &Person) -> bool {
        let recipient = self.filter.get("to").and_then(|to| Address::wanted(to).ok());
        let mut texts = self.filter.values().map(String::as_str).chain([self.name.as_str()]);
        recipient.is_some_and(|recipient| recipient == *person.address())
            || (person.is_distinctive() && texts.any(|text| person.is_named_in(text.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_says_something() {
        assert_eq!(ViewName::new(" Failed by SMS ").unwrap().as_str(), "Failed by SMS");
        assert!(ViewName::new(&"é".repeat(ViewName::LONGEST)).is_ok());
        for bad in ["", " ", "a\nb", "a\0b", &"x".repeat(ViewName::LONGEST + 1)] {
            assert!(ViewName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_id_is_read_from_its_digits() {
        for id in [0, 1, -1, i64::MIN, i64::MAX] {
            assert_eq!(ViewId::from_hex(&ViewId::new(id).to_string()), Some(ViewId::new(id)));
        }
        for bad in ["", "1", "000000000000000G", "+000000000000001", "00000000000000001", "ABCDEFABCDEFABCD"] {
            assert_eq!(ViewId::from_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_view_names_a_person_as_the_recipient_or_in_a_text() {
        let view = |name: &str, filter: &[(&str, &str)]| SavedView {
            id: ViewId::new(1),
            list: ViewedList::Messages,
            name: ViewName::new(name).unwrap(),
            filter: filter.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            saved_at: Timestamp::from_micros(0),
        };
        let person = Person::new("+44 7700 900123").unwrap();
        assert!(view("A customer", &[("to", "00447700900123")]).names(&person));
        assert!(view("A customer", &[("callbackData", "shop +44-7700-900123")]).names(&person));
        assert!(view("About 447700900123", &[("status", "failed")]).names(&person));
        assert!(!view("A customer", &[("to", "447700900124"), ("status", "failed")]).names(&person));
        let short = Person::new("userid:1001").unwrap();
        assert!(view("A customer", &[("to", "userid:1001")]).names(&short));
        assert!(!view("Order 1001", &[("code", "1001")]).names(&short));
    }
}
