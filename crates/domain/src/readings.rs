//! Finds the texts in a body, in all encodings in which programs wrap text: UTF-8, UTF-16, UTF-32, escapes of JSON,
//! percent-encoding, entities of HTML, quoted-printable, base64 and hexadecimal, also nested.
//!
//! Compressed and encrypted bodies cannot be searched. [`is_compressed`] detects the compressed ones.

use std::borrow::Cow;

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Maximum depth of nested escapes: JSON in JSON in a form, and some more.
const ESCAPES: usize = 6;
/// Maximum depth of nested base64 or hexadecimal.
const BASE64: usize = 2;

/// A text to search for.
pub(super) struct Wanted<'a> {
    /// Minimum length in bytes of a match. Shorter runs are not decoded: they are ordinary words.
    pub(super) least: usize,
    /// Whether a decoded text matches.
    pub(super) is_in: &'a dyn Fn(&str) -> bool,
}

/// Whether any decoded text of `bytes` matches.
pub(super) fn any_reading(bytes: &[u8], wanted: &Wanted<'_>) -> bool {
    any_within(bytes, wanted, BASE64)
}

fn any_within(bytes: &[u8], wanted: &Wanted<'_>, depth: usize) -> bool {
    characters(bytes).into_iter().any(|text| {
        let quoted = unquoted(&text);
        [Some(text), quoted].into_iter().flatten().any(|text| any_unescaped(text, wanted, depth))
    })
}

fn any_unescaped(text: Cow<'_, str>, wanted: &Wanted<'_>, depth: usize) -> bool {
    let mut text = text;
    for _ in 0..ESCAPES {
        let is_within = || decoded(&text, wanted.least).any(|bytes| any_within(&bytes, wanted, depth - 1));
        if (wanted.is_in)(&text) || (depth > 0 && is_within()) {
            return true;
        }
        match unescaped(&text) {
            Some(plain) => text = Cow::Owned(plain),
            None => return false,
        }
    }
    false
}

/// The text without any level of escapes. `None` if it contains none.
pub(super) fn plain(text: &str) -> Option<String> {
    // Most texts contain none, and this check is faster.
    if !text.contains(['%', '\\', '&']) {
        return None;
    }
    let mut plain = unescaped(text)?;
    for _ in 1..ESCAPES {
        match unescaped(&plain) {
            Some(next) => plain = next,
            None => break,
        }
    }
    Some(plain)
}

/// Whether a body is compressed, by its magic number: gzip, zstd, zip, bzip2, xz.
pub fn is_compressed(body: &[u8]) -> bool {
    const MARKS: [&[u8]; 5] = [b"\x1F\x8B", b"\x28\xB5\x2F\xFD", b"PK\x03\x04", b"BZh", b"\xFD7zXZ\0"];
    MARKS.iter().any(|mark| body.starts_with(mark))
}

/// The bytes as text, in all encodings that they may have.
fn characters(bytes: &[u8]) -> Vec<Cow<'_, str>> {
    let mut texts = vec![String::from_utf8_lossy(bytes)];
    let has_wide = bytes.contains(&0) || bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    if has_wide {
        let wide = |unit: fn([u8; 2]) -> u16| {
            let units: Vec<_> = bytes.as_chunks().0.iter().map(|bytes| unit(*bytes)).collect();
            Cow::Owned(String::from_utf16_lossy(&units))
        };
        let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
        texts.extend([wide(u16::from_le_bytes), wide(u16::from_be_bytes)]);
        texts.push(Cow::Owned(String::from_utf8_lossy(&narrow).into_owned()));
    }
    texts
}

/// The text without one level of the escapes of JSON, URLs and HTML. `None` if it contains none.
fn unescaped(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let (mut at, mut has_some) = (0, false);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let escape = match rest[0] {
            b'\\' => json(rest),
            b'%' => hexadecimal(rest.get(1..3)).map(|byte| (vec![byte], 3)),
            b'&' => entity(rest),
            _ => None,
        };
        let (meant, length) = escape.map_or((None, 1), |(meant, length)| (Some(meant), length));
        has_some |= meant.is_some();
        match meant {
            Some(meant) => plain.extend(meant),
            None => plain.push(rest[0]),
        }
        at += length;
    }
    // The text never becomes longer, so the loop ends.
    has_some.then(|| String::from_utf8_lossy(&plain).into_owned())
}

/// An escape: its meaning, and its length in bytes.
type Escape = (Vec<u8>, usize);

fn json(rest: &[u8]) -> Option<Escape> {
    match rest.get(1)? {
        b'u' => {
            let first = unit(rest, 2)?;
            let second = rest.get(6..8).filter(|next| *next == b"\\u").and_then(|_| unit(rest, 8));
            let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
            match (pair, char::from_u32(u32::from(first))) {
                (_, Some(single)) => Some((utf8(single), 6)),
                (Some(pair), None) => Some((utf8(pair), 12)),
                (None, None) => Some((utf8(char::REPLACEMENT_CHARACTER), 6)),
            }
        }
        b'x' => hexadecimal(rest.get(2..4)).map(|byte| (vec![byte], 4)),
        b'n' | b'r' | b't' | b'b' | b'f' => Some((vec![b' '], 2)),
        other @ (b'"' | b'\'' | b'/' | b'\\') => Some((vec![*other], 2)),
        _ => None,
    }
}

fn unit(rest: &[u8], at: usize) -> Option<u16> {
    let [high, low] = [hexadecimal(rest.get(at..at + 2))?, hexadecimal(rest.get(at + 2..at + 4))?];
    Some(u16::from_be_bytes([high, low]))
}

fn hexadecimal(digits: Option<&[u8]>) -> Option<u8> {
    let mut byte = [0];
    hex::decode_to_slice(digits?, &mut byte).ok()?;
    Some(byte[0])
}

fn utf8(c: char) -> Vec<u8> {
    c.to_string().into_bytes()
}

/// The longest is `&#x10FFFF;`, with leading zeros.
const LONGEST_ENTITY: usize = 16;
const ENTITIES: [(&str, &str); 6] =
    [("amp", "&"), ("plus", "+"), ("nbsp", " "), ("commat", "@"), ("period", "."), ("hyphen", "-")];

fn entity(rest: &[u8]) -> Option<Escape> {
    let end = rest.iter().take(LONGEST_ENTITY).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&rest[1..end]).ok()?;
    let meant = match name.strip_prefix('#') {
        Some(code) => {
            let code = match code.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => code.parse(),
            };
            utf8(char::from_u32(code.ok()?)?)
        }
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1.as_bytes().to_vec(),
    };
    Some((meant, end + 1))
}

/// The text without the escapes of quoted-printable. `None` if it contains none.
fn unquoted(text: &str) -> Option<Cow<'static, str>> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = hexadecimal(bytes.get(at + 1..at + 3));
        at += match (byte, escaped) {
            (b'=', Some(escaped)) => {
                plain.push(escaped);
                3
            }
            (b'=', None) if bytes[at + 1..].starts_with(b"\r\n") => 3,
            (b'=', None) if bytes[at + 1..].starts_with(b"\n") => 2,
            _ => {
                plain.push(*byte);
                1
            }
        };
    }
    (plain.len() < bytes.len()).then(|| Cow::Owned(String::from_utf8_lossy(&plain).into_owned()))
}

/// The contents of the runs of base64 and of hexadecimal digits in a text.
fn decoded(text: &str, least: usize) -> impl Iterator<Item = Vec<u8>> {
    from_base64(text, least).chain(from_hexadecimal(text, least))
}

/// The contents of the runs of hexadecimal digits. Binary SMS are written in this form.
fn from_hexadecimal(text: &str, least: usize) -> impl Iterator<Item = Vec<u8>> {
    let runs = text.as_bytes().split(|byte| !byte.is_ascii_hexdigit());
    runs.filter(move |run| run.len() / 2 >= least).flat_map(|run| {
        (0..2).filter_map(|begin| {
            let pairs = run.get(begin..)?.as_chunks::<2>().0;
            hex::decode(pairs.as_flattened()).ok()
        })
    })
}

/// The contents of the runs of base64, for each of the four offsets at which the encoding may begin.
fn from_base64(text: &str, least: usize) -> impl Iterator<Item = Vec<u8>> {
    let engine = GeneralPurpose::new(
        &URL_SAFE,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let is_in_it = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_\r\n".contains(&byte);
    let runs = text.as_bytes().split(move |byte| !is_in_it(*byte));
    runs.filter(move |run| run.len() * 3 / 4 >= least).flat_map(move |run| {
        // Mails contain line breaks within base64.
        let run = run.iter().filter(|byte| !b"\r\n".contains(byte));
        let run: Vec<u8> = run
            .map(|byte| match byte {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            })
            .collect();
        let engine = engine.clone();
        (0..4).filter_map(move |begin| {
            let run = run.get(begin..)?;
            // A single letter at the end encodes no whole byte.
            let whole = if run.len() % 4 == 1 { &run[..run.len() - 1] } else { run };
            engine.decode(whole).ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_incomplete_escape_stays_as_it_is() {
        assert_eq!(unescaped(r"a\u0041\n%42&#67;").as_deref(), Some("aA BC"));
        assert_eq!(unescaped(r"\u00 % %4 &# &#; &x; \"), None);
        assert_eq!(unescaped(r"\ud83d").as_deref(), Some("\u{FFFD}"));
        assert_eq!(unescaped(r"\ud83d\ude00").as_deref(), Some("😀"));
        assert_eq!(unescaped(r"\ud83d\u0041").as_deref(), Some("\u{FFFD}A"));
        assert_eq!(unquoted("=41=\r\nB=4").as_deref(), Some("AB=4"));
    }

    #[test]
    fn compressed_bodies_are_detected_by_their_magic_numbers() {
        assert!(is_compressed(b"\x1F\x8B\x08\0") && !is_compressed(b"{}") && !is_compressed(b""));
    }

    proptest! {
        #[test]
        fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), text in r"[%&#;\\ux0-9a-f=\r\n]{0,32}") {
            let wanted = Wanted { least: 5, is_in: &|_| false };
            prop_assert!(!any_reading(&bytes, &wanted) && !any_reading(text.as_bytes(), &wanted));
        }
    }
}
