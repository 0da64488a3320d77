//! A person whose data is erased.

use std::{iter::successors, mem::discriminant};

use super::{
    Address, AddressError,
    number::after_trunk_zero,
    readings::{self, Wanted},
    sign::Sign,
};

/// The text that replaces an erased text.
pub const ERASED: &str = "erased";
/// The body that replaces an erased body.
pub const ERASED_BODY: &[u8] = br#"{"erased":true}"#;

/// A person, identified by an address.
#[derive(Clone, Debug)]
pub struct Person {
    address: Address,
    /// The form of the address for searching texts.
    needle: Address,
    is_number: bool,
}

/// Shorter ids and numbers also occur in texts that have nothing to do with the person: prices, times, parts of other
/// ids.
const DISTINCTIVE_ID: usize = 8;
const DISTINCTIVE_NUMBER: usize = 7;

impl Person {
    /// The person with this address, in any spelling.
    pub fn new(text: &str) -> Result<Self, AddressError> {
        let address = Address::wanted(text)?;
        let needle = Address::wanted_unbounded(text)?;
        if address.as_str() == ERASED {
            return Err(AddressError::Erased);
        }
        Ok(Self { is_number: address.is_number(), address, needle })
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether the address is so long that a text that contains it means this person. Only then texts about other
    /// people are searched for it.
    pub fn is_distinctive(&self) -> bool {
        let least = if self.is_number { DISTINCTIVE_NUMBER } else { DISTINCTIVE_ID };
        self.needle.as_str().len() >= least
    }

    /// Whether a recipient is the person: either the addresses are equal, or the recipient contains the address in a
    /// spelling that is not read as an address.
    pub fn is_called(&self, recipient: &str) -> bool {
        recipient == self.address.as_str() || (self.is_distinctive() && self.is_named_in(recipient.as_bytes()))
    }

    /// Whether a text or a body contains the address, in any encoding that `readings` decodes. A number is found in any
    /// spelling with its country code.
    pub fn is_named_in(&self, text: &[u8]) -> bool {
        let needle = self.needle.as_str();
        if self.is_number {
            let wanted = Wanted { least: needle.len(), is_in: &|text| has_number(text, needle) };
            readings::any_reading(text, &wanted)
        } else {
            let needle = folded(needle);
            // A character never becomes more characters than it has bytes.
            let wanted = Wanted { least: needle.chars().count(), is_in: &|text| has_word(text, &needle) };
            readings::any_reading(text, &wanted)
        }
    }
}

/// Whether a text contains this number, and not only as a part of a longer number.
fn has_number(text: &str, number: &str) -> bool {
    // The digits of each run of digits and separators. The flag states whether the digit follows the previous one
    // without a separator.
    let mut run: Vec<(char, bool)> = Vec::new();
    let mut has_trunk_zero = false;
    // The kind of the digit directly before. A digit of another kind does not continue the number: it is a footnote, or
    // a Chinese word.
    let mut before = None;
    let mut rest = text.chars();
    loop {
        let c = rest.next();
        match c.map(Sign::of) {
            Some(sign @ (Sign::Digit(digit) | Sign::Figure(digit))) => {
                let kind = Some(discriminant(&sign));
                run.push((digit, before == kind));
                before = kind;
            }
            Some(Sign::Invisible) => {}
            // In form encoding, a plus is a blank.
            Some(Sign::Plus | Sign::Separator | Sign::Punctuation) => {
                before = None;
                has_trunk_zero |= c.is_some_and(|c| after_trunk_zero(c, rest.clone()).is_some());
            }
            Some(Sign::Other) | None => {
                if run_has(&run, number) || (has_trunk_zero && run_has_but_for_a_zero(&run, number)) {
                    return true;
                }
                if c.is_none() {
                    return false;
                }
                run.clear();
                (has_trunk_zero, before) = (false, None);
            }
        }
    }
}

fn run_has(run: &[(char, bool)], number: &str) -> bool {
    (0..run.len()).any(|at| has_at(run, at, number))
}

fn has_at(run: &[(char, bool)], at: usize, number: &str) -> bool {
    let end = at + number.len();
    let Some(window) = run.get(at..end) else { return false };
    // No digit may follow directly. Directly before, only the 00 of an international call is allowed.
    let ends = run.get(end).is_none_or(|(_, follows)| !follows);
    let begins = !window[0].1 || matches!(run[..at], [.., ('0', false), ('0', _)]);
    ends && begins && window.iter().map(|(digit, _)| *digit).eq(number.chars())
}

/// Like the search for a number, but with `(0)` after the country code.
fn run_has_but_for_a_zero(run: &[(char, bool)], number: &str) -> bool {
    let length = number.len();
    let mut zeros = run.iter().enumerate().filter(|(_, sign)| **sign == ('0', false));
    // A run may be as long as a body, so only the part that decides is examined.
    zeros.any(|(at, _)| {
        let before = &run[at.saturating_sub(length + 1)..at];
        let after = &run[at + 1..run.len().min(at + length + 2)];
        let near = [before, after].concat();
        (before.len().saturating_sub(length - 1)..=before.len()).any(|at| has_at(&near, at, number))
    })
}

/// The form in which words are compared: without case, without invisible characters, and without NUL, which an address
/// cannot contain.
fn folded(text: &str) -> String {
    let visible = text.chars().filter(|c| Sign::of(*c) != Sign::Invisible);
    let one_form = |c| match c {
        'ς' => 'σ',
        '\0' => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    visible.flat_map(char::to_lowercase).map(one_form).collect()
}

/// Whether a text contains this folded word, between characters that do not belong to words.
fn has_word(text: &str, word: &str) -> bool {
    let text = folded(text);
    let first = word.chars().next().map_or(1, char::len_utf8);
    // `a-a-a` contains `a-a` twice.
    let mut places = successors(text.find(word), |at| Some(at + first + text[at + first..].find(word)?));
    places.any(|at| {
        let before = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let after = text[at + word.len()..].chars().next().is_some_and(char::is_alphanumeric);
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn a_number_is_found_in_every_spelling() {
        let person = Person::new("+44 7700 900123").unwrap();
        for text in [
            "447700900123",
            "+447700900123",
            "call (44) 7700-900.123 now",
            r#"{"to":"+44 7700 900123"}"#,
            r#"{"to":"00447700900123","n":1}"#,
            r#"{"to":447700900123}"#,
            "[447700900123,447700900124]",
            r#"{"+44-7700-900123":{"447700900124":null}}"#,
            "<to>tel:+44.7700.900123</to>",
            "447700900124;447700900123",
            "2026-05-20T13:15:04Z 447700900123",
            "+44 (0)7700 900123",
            "0 0 0 0044 (0) 7700 900123 0 0 0",
            "whatsapp:/0/044 7700.900123?text=0",
            "row 12 447700900123 5",
            "447700900123@s.whatsapp.net",
            "\u{202A}+44\u{A0}7700\u{2011}900123\u{202C}",
            "＋４４７７００９００１２３",
            r#"{"to":"\u002b447700900123"}"#,
            r#"{"to":"\u002B\u0034\u0034\u0037700900123"}"#,
            r#"{"to":"\uD835\uDFDC47700900123"}"#,
            r#"{"body":"{\"to\":\"\\u002b44\\/7700900123\"}"}"#,
            "to=%2B447700900123&x=1",
            "to=%252B447700900123",
            "to%3D%25252B44%2525207700900123",
            "%E2%80%AA%2B44%C2%A07700%C2%A0900123",
            r#"{"callbackData":"{\"customer\":{\"phone\":\"\\u002b44 7700\\u00a0900123\"}}"}"#,
            "to=+44+7700+900123",
            "to=44%C2%A07700%20900123",
            "&#43;44&#55;700900123",
            "&#x2B;44&nbsp;7700&#x20;900123",
            "to: =2B44=207700900123",
            "to: +44=\r\n7700900123",
            "eyJhbGciOiJub25lIn0.eyJ0byI6Iis0NDc3MDA5MDAxMjMifQ.",
            "44_7700_900123",
            "44,7700,900123",
            "{'to': '44\u{2019}7700\u{2019}900123'}",
            "2;1,44:7700|900123;9",
            "⁺⁴⁴⁷⁷⁰⁰⁹⁰⁰¹²³",
            "第一447700900123²",
            "1④④⑦⑦⓪⓪⑨⓪⓪①②③4",
            "四四七七〇〇九〇〇一二三",
            "4\u{336}4\u{336}7700900123",
            "+447700900123,5",
        ] {
            assert!(person.is_named_in(text.as_bytes()), "{text}");
        }
        let body = r#"{"to":"+447700900123"}"#;
        let encoded = [
            utf16(body, u16::to_le_bytes),
            utf16(body, u16::to_be_bytes),
            utf16("\u{FEFF}＋４４７７００９００１２３", u16::to_le_bytes),
            body.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
            format!(r#"{{"data":"{}"}}"#, STANDARD.encode(body)).into_bytes(),
            format!(r#"{{"data":"x{}"}}"#, STANDARD.encode(STANDARD.encode(body))).into_bytes(),
            STANDARD.encode(utf16(body, u16::to_le_bytes)).into_bytes(),
            [b"\xFF\xFE\x80".as_slice(), body.as_bytes()].concat(),
            format!(r#"{{"message":"{}"}}"#, hex::encode(body)).into_bytes(),
            format!("0x0{}", hex::encode(utf16(body, u16::to_be_bytes)).to_uppercase()).into_bytes(),
            STANDARD.encode(hex::encode(body)).into_bytes(),
        ];
        for (at, body) in encoded.iter().enumerate() {
            assert!(person.is_named_in(body), "{at}: {}", String::from_utf8_lossy(body));
        }
        for text in
            ["447700900124", "1447700900123", "4477009001234", "44,7700,900,1234", "07700900123", "①④④⑦⑦⓪⓪⑨⓪⓪①②③"]
        {
            assert!(!person.is_named_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_recipient_is_the_person_also_in_a_spelling_that_is_not_an_address() {
        let person = Person::new("+44 7700 900123").unwrap();
        for text in ["447700900123", "44,7700,900123", "Dana <+447700900123>", "447700900123,447700900124"] {
            assert!(person.is_called(text), "{text}");
        }
        assert!(!person.is_called("447700900124"));
        let short = Person::new("1001").unwrap();
        assert!(short.is_called("1001") && !short.is_called("user 1001"));
    }

    #[test]
    fn an_address_with_an_escaped_nul_is_found() {
        for text in ["dana%00@example.org", "user=o%00044rid:%40007.20", r"dana\u0000\u0040example.org"] {
            let person = Person::new(text).unwrap();
            assert!(person.is_named_in(text.as_bytes()), "{text}: {:?}", person.address());
        }
    }

    #[test]
    fn an_address_is_found_only_as_a_whole_word() {
        let person = Person::new("Dana@Example.org").unwrap();
        for text in
            ["to: <dana@EXAMPLE.org>", "dana%40example.org", r"dana\u0040example.org", "dana@\u{200B}example.org"]
        {
            assert!(person.is_named_in(text.as_bytes()), "{text}");
        }
        for text in ["dana@example.com", "jordana@example.org", "dana@example.organic"] {
            assert!(!person.is_named_in(text.as_bytes()), "{text}");
        }
        assert!(Person::new("ab-c-ab").unwrap().is_named_in(b"xab-c-ab-c-ab"));
        let long = "Push".repeat(500);
        assert!(Person::new(&long).unwrap().is_named_in(format!("[{long}]").as_bytes()));
    }

    #[test]
    fn texts_about_other_people_are_not_searched_for_a_short_id() {
        for (text, is_distinctive) in
            [("1001", false), ("12345", false), ("userid:1001", false), ("user-1001", true), ("+6834000", true)]
        {
            assert_eq!(Person::new(text).unwrap().is_distinctive(), is_distinctive, "{text}");
        }
    }

    #[test]
    fn a_blank_national_or_erased_address_is_rejected() {
        for (text, error) in [
            (" \u{200E}", AddressError::Blank),
            ("07700900123", AddressError::National),
            (ERASED, AddressError::Erased),
            (" erased ", AddressError::Erased),
        ] {
            assert_eq!(Person::new(text).unwrap_err(), error, "{text:?}");
        }
    }
}
