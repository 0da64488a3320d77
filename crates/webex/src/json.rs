//! Tolerant JSON, read one level at a time.
//!
//! A single character that JSON forbids must not cost a notification. So texts are decoded where they are used, with
//! U+FFFD instead of invalid Unicode, and unused values are only checked for their syntax. A number keeps its own
//! digits, because ids and codes may be numbers, and `1.10` differs from `1.1`.

use std::{
    borrow::{Borrow, Cow},
    fmt::{self, Write},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::value::RawValue;

const BOM: char = '\u{FEFF}';

/// Passes the root value of a JSON document to `read`. The error states what is wrong and where, and contains nothing
/// of the body.
pub(super) fn read<T>(body: &[u8], read: impl FnOnce(&RawValue) -> T) -> Result<T, String> {
    let text = lossy(body);
    let text = text.trim_start_matches(BOM);
    let error = match serde_json::from_str(text) {
        Ok(value) => return Ok(read(value)),
        Err(error) => error,
    };
    let mended = mended(text);
    serde_json::from_str(&mended).map(read).map_err(|_| match str::from_utf8(body) {
        Ok(_) => {
            let (line, column) = (error.line(), error.column());
            format!("the body is not JSON: {:?} error at line {line}, column {column}", error.classify())
        }
        Err(error) => format!("the body is not UTF-8: {error}"),
    })
}

/// The text with the control characters within strings escaped. The documented voice samples lack their last brace. If
/// the platform omits it too, it is added.
fn mended(text: &str) -> String {
    let mut mended = String::with_capacity(text.len() + 1);
    let (mut in_string, mut escaped, mut depth) = (false, false, 0_usize);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '{' | '[' if !in_string => depth += 1,
            '}' | ']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if in_string && c < ' ' {
            // Writing to a string always succeeds.
            let _ = write!(mended, "\\u{:04x}", u32::from(c));
        } else {
            mended.push(c);
        }
    }
    if !in_string && depth == 1 && text.contains("deliveryInfoNotification") {
        mended.push('}');
    }
    mended
}

/// Bytes as text, with U+FFFD for each invalid sequence. Half of a surrogate pair counts as one sequence.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let (mut text, mut rest) = (String::with_capacity(bytes.len()), bytes);
    while let Some(chunk) = rest.utf8_chunks().next() {
        text.push_str(chunk.valid());
        rest = &rest[chunk.valid().len()..];
        rest = match rest {
            [] => rest,
            [0xED, 0xA0..=0xBF, 0x80..=0xBF, after @ ..] => after,
            _ => &rest[chunk.invalid().len()..],
        };
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Cow::Owned(text)
}

/// The text of a JSON string, or the digits of a number. `None` for all other values.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    match json.as_bytes() {
        [b'"', .., b'"'] if !json.contains('\\') => Some(Cow::Borrowed(&json[1..json.len() - 1])),
        [b'"', ..] => serde_json::from_str::<Text>(json).ok().map(|text| Cow::Owned(text.0)),
        [b'-' | b'0'..=b'9', ..] => Some(Cow::Borrowed(json)),
        _ => None,
    }
}

/// The elements of an array.
pub(super) fn array(value: &RawValue) -> Option<Vec<&RawValue>> {
    value.get().starts_with('[').then(|| serde_json::from_str(value.get()).ok()).flatten()
}

/// The contents of a JSON string as bytes. Half of a surrogate pair stays as it is, which is not UTF-8.
pub fn unquoted(json: &RawValue) -> Option<Vec<u8>> {
    serde_json::from_str::<Unquoted>(json.get()).ok().map(|bytes| bytes.0)
}

/// A text, with U+FFFD for half of a surrogate pair.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text(pub(super) String);

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Unquoted::deserialize(deserializer).map(|bytes| Self(lossy(&bytes.0).into_owned()))
    }
}

struct Unquoted(Vec<u8>);

impl<'de> Deserialize<'de> for Unquoted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes, a string may contain invalid Unicode.
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Unquoted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Unquoted, E> {
        Ok(Unquoted(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn text_of(body: impl AsRef<[u8]>) -> Option<String> {
        read(body.as_ref(), |value| text(value).map(Cow::into_owned)).unwrap()
    }

    #[test]
    fn half_of_a_surrogate_pair_is_one_replacement_character() {
        for (json, text) in [
            (r#""a\ud83d""#, "a\u{FFFD}"),
            (r#""\ude00b""#, "\u{FFFD}b"),
            (r#""\ud83d\ud83d\ude00""#, "\u{FFFD}\u{1F600}"),
            (r#""\ude00\ud83d""#, "\u{FFFD}\u{FFFD}"),
            (r#""\ud83d\n""#, "\u{FFFD}\n"),
            (r#""\ud83dA""#, "\u{FFFD}A"),
            (r#""\\ud83d""#, "\\ud83d"),
            (r#""\ud83d\ude00""#, "\u{1F600}"),
        ] {
            assert_eq!(text_of(json).as_deref(), Some(text), "{json}");
        }
        assert_eq!(text_of(b"\"a\xED\xA0\xBDb\xFFc\"").as_deref(), Some("a\u{FFFD}b\u{FFFD}c"));
    }

    #[test]
    fn a_number_keeps_its_own_digits() {
        for number in ["98765432109876543210987", "1.10", "1e2", "1E+2", "-0", "0", "1e999"] {
            assert_eq!(text_of(number).as_deref(), Some(number));
        }
        for other in ["true", "null", "[1]", r#"{"a":1}"#] {
            assert_eq!(text_of(other), None);
        }
    }

    #[test]
    fn control_characters_in_a_string_are_kept() {
        assert_eq!(text_of("\"a\nb\tc\u{1}\"").as_deref(), Some("a\nb\tc\u{1}"));
        assert!(read(b"{\x01}", |_| ()).is_err());
    }

    #[test]
    fn an_error_states_the_position_and_contains_nothing_of_the_body() {
        let error = |body: &[u8]| read(body, |_| ()).unwrap_err();
        assert_eq!(error(b"{\"secret\" 1}"), "the body is not JSON: Syntax error at line 1, column 11");
        assert!(error(b"{\"secret\xFF\" 1}").starts_with("the body is not UTF-8: invalid utf-8"));
    }

    proptest! {
        #[test]
        fn a_written_string_can_be_read_again(text in ".*") {
            prop_assert_eq!(text_of(Value::from(text.as_str()).to_string()), Some(text));
        }

        /// As `toWellFormed` of JavaScript does.
        #[test]
        fn code_units_are_read_as_well_formed_text(units in prop::collection::vec(prop_oneof![
            any::<u16>(), 0xD800_u16..0xE000,
        ], 0..12)) {
            let escaped = units.iter().fold(String::new(), |text, unit| format!("{text}\\u{unit:04x}"));
            let expected: String =
                char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
            prop_assert_eq!(text_of(format!("\"{escaped}\"")), Some(expected));
        }

        #[test]
        fn no_bytes_cause_a_panic(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&body, |value| (text(value).map(Cow::into_owned), array(value).map(|list| list.len())));
        }
    }
}
