//! Tolerant access to the members of a JSON object.
//!
//! The documents spell one member in several ways, and one type in several: see contradictions 4 and 12 in the notes
//! on the wire format. Emitting is exact; reading is not.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The members of a JSON object.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(Self)
    }

    /// The member of one of these names, the first that is there; in any case of letters.
    pub(super) fn get(self, names: &[&str]) -> Option<&'a Value> {
        names.iter().find_map(|name| self.0.get(*name)).or_else(|| {
            let matches = |key: &str| names.iter().any(|name| name.eq_ignore_ascii_case(key));
            self.0.iter().find(|(key, _)| matches(key)).map(|(_, value)| value)
        })
    }

    pub(super) fn has(self, names: &[&str]) -> bool {
        self.get(names).is_some()
    }

    pub(super) fn object(self, names: &[&str]) -> Option<Self> {
        self.get(names).and_then(Self::of)
    }

    /// A text, or a number as text. Empty texts count as absent: the platform sends them for what it does not know.
    /// NUL, which Postgres cannot store in text, is replaced; the raw body keeps it.
    pub(super) fn text(self, names: &[&str]) -> Option<Cow<'a, str>> {
        match self.get(names)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) if text.contains('\0') => Some(Cow::Owned(text.replace('\0', "\u{FFFD}"))),
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    pub(super) fn owned(self, names: &[&str]) -> Option<String> {
        self.text(names).map(Cow::into_owned)
    }
}
