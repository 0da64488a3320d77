//! Tolerant access to the members of a JSON object.
//!
//! The documents spell one member in several ways, and one type in several: see contradictions 4 and 12 in the notes
//! on the wire format. Emitting is exact; reading is not.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::value::RawValue;

use super::json::{self, Text};

/// The members of a JSON object.
pub(super) struct Fields<'a>(BTreeMap<Text, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a RawValue) -> Option<Self> {
        // A shorter way to say that it is no object.
        value.get().starts_with('{').then(|| serde_json::from_str(value.get()).ok().map(Self)).flatten()
    }

    /// The member of one of these names, the first that is there; in any case of letters.
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

    /// A text, or a number as text. Empty texts count as absent: the platform sends them for what it does not know.
    /// NUL, which Postgres cannot store in text, is replaced; the raw body keeps it.
    pub(super) fn text(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        let text = self.get(names).and_then(json::text).filter(|text| !text.is_empty())?;
        Some(if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{FFFD}")) } else { text })
    }

    /// The same; what is neither a text nor a number, as JSON. `null` and blank texts count as absent.
    pub(super) fn shown(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        let json = self.get(names).filter(|value| !value.get().starts_with(['"', 'n'])).map(RawValue::get);
        self.text(names).filter(|text| !text.trim().is_empty()).or(json.map(Cow::Borrowed))
    }

    pub(super) fn owned(&self, names: &[&str]) -> Option<String> {
        self.text(names).map(Cow::into_owned)
    }
}
