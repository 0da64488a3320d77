//! Tolerant access to the members of a JSON object.
//!
//! The documents spell the name of a member in several ways, and its type too: see contradictions 4 and 12 in the notes
//! on the wire format. Reading is tolerant; writing uses only the documented spelling.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::value::RawValue;

use super::json::{self, Text};

/// The members of a JSON object.
pub(super) struct Fields<'a>(BTreeMap<Text, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a RawValue) -> Option<Self> {
        // A shortcut for values that are not objects.
        value.get().starts_with('{').then(|| serde_json::from_str(value.get()).ok().map(Self)).flatten()
    }

    /// The member with one of these names, in upper or lower case. If there are several, the first name wins.
    pub(super) fn get(&self, names: &[&str]) -> Option<&'a RawValue> {
        names.iter().find_map(|name| self.0.get(*name)).copied().or_else(|| {
            let matches = |key: &str| names.iter().any(|name| name.eq_ignore_ascii_case(key));
            self.0.iter().find(|(key, _)| matches(&key.0)).map(|(_, value)| *value)
        })
    }

    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.get(names).is_some()
    }

    pub(super) fn object(&self, names: &[&str]) -> Option<Self> {
        self.get(names).and_then(Self::of)
    }

    /// A text, or a number as text. Empty texts count as absent: the platform sends them for unknown values. NUL, which
    /// Postgres cannot store in text, is replaced. The raw body keeps it.
    pub(super) fn text(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        let text = self.get(names).and_then(json::text).filter(|text| !text.is_empty())?;
        Some(if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{FFFD}")) } else { text })
    }

    /// Like [`Fields::text`], but values of other types are returned as JSON. `null` and blank texts count as absent.
    pub(super) fn shown(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        let json = self.get(names).filter(|value| !value.get().starts_with(['"', 'n'])).map(RawValue::get);
        self.text(names).filter(|text| !text.trim().is_empty()).or(json.map(Cow::Borrowed))
    }

    pub(super) fn owned(&self, names: &[&str]) -> Option<String> {
        self.text(names).map(Cow::into_owned)
    }
}
