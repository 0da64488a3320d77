//! Phone numbers in all usual spellings of people and programs.

use std::str::Chars;

use super::{
    readings,
    sign::{Sign, is_blank},
};

/// Prefixes of a number in a link: the names of protocols.
const SCHEMES: [&str; 6] = ["tel:", "sms:", "smsto:", "callto:", "whatsapp:", "//"];
/// WhatsApp's own addresses are a number followed by one of these hosts.
const HOSTS: [&str; 2] = ["@s.whatsapp.net", "@c.us"];
/// Shorter digit strings are treated as ids.
const SHORTEST: usize = 5;
/// ITU-T E.164. The shortest number with a country code has 7 digits (Niue).
const LONGEST: usize = 15;
const SHORTEST_WITH_COUNTRY: usize = 7;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PhoneNumber {
    /// All digits that were written, without a trunk zero.
    written: String,
    /// Whether the number was written with a trunk zero, as in `+44 (0)7700 900123`.
    has_trunk_zero: bool,
}

impl PhoneNumber {
    /// Reads a number in any usual spelling, also if it is still escaped for a URL. Returns `None` if the text is not a
    /// number.
    pub(super) fn read(text: &str) -> Option<Self> {
        Self::spelled(text).or_else(|| Self::spelled(&readings::plain(text)?))
    }

    fn spelled(text: &str) -> Option<Self> {
        let text = without_frame(text.trim_matches(is_blank))?;
        let mut number = Self { written: String::new(), has_trunk_zero: false };
        let (mut has_separators, mut figures) = (false, 0);
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match Sign::of(c) {
                Sign::Digit(digit) => number.written.push(digit),
                Sign::Figure(digit) => {
                    number.written.push(digit);
                    figures += 1;
                }
                Sign::Plus if number.written.is_empty() => {}
                Sign::Separator => {
                    has_separators = true;
                    if let Some(after) = number.ends_in_country().then(|| after_trunk_zero(c, rest.clone())).flatten() {
                        number.has_trunk_zero = true;
                        rest = after;
                    }
                }
                Sign::Invisible => {}
                Sign::Plus | Sign::Punctuation | Sign::Other => return None,
            }
        }
        // In 447700900123² the figure is a footnote.
        if figures > 0 && figures < number.written.len() {
            return None;
        }
        // Digits without separators may be an id of any length. A longer text with separators is several numbers, or
        // something else.
        let is_number = number.written.len() >= SHORTEST && (!has_separators || number.digits().len() <= LONGEST);
        is_number.then_some(number)
    }

    /// The number as its digits with the country code. Numbers are compared in this form. A number without a country
    /// code stays as it was written.
    pub(super) fn digits(&self) -> &str {
        let country = self
            .written
            .strip_prefix("00")
            .filter(|rest| !rest.starts_with('0') && (SHORTEST_WITH_COUNTRY..=LONGEST).contains(&rest.len()));
        country.unwrap_or(&self.written)
    }

    /// Whether the country code is missing. No country code begins with 0.
    pub(super) fn is_national(&self) -> bool {
        self.digits().starts_with('0')
    }

    /// The digits, if the number is written in the form that the platform accepts. Otherwise the error.
    pub(super) fn for_sending(&self) -> Result<&str, &'static str> {
        let length = self.written.len();
        if self.written.starts_with('0') {
            Err("must not begin with 0: write the country code, as in +447700900123 for 07700900123 or 00447700900123")
        } else if self.has_trunk_zero {
            Err("must not have the (0) of calls within the country: write +447700900123 for +44 (0)7700 900123")
        } else if !(SHORTEST..=LONGEST).contains(&length) {
            Err(NO_NUMBER)
        } else {
            Ok(&self.written)
        }
    }

    /// Whether the characters read so far can be a country code, alone or after 00.
    fn ends_in_country(&self) -> bool {
        let written = self.written.strip_prefix("00").unwrap_or(&self.written);
        !self.has_trunk_zero && (1..=3).contains(&written.len())
    }
}

/// The error for a text that is not a number.
pub(super) const NO_NUMBER: &str =
    "must be a number in international form: 5 to 15 digits with the country code, as in +447700900123";

/// The number without the name of a protocol, its parameters, or WhatsApp's host.
fn without_frame(text: &str) -> Option<&str> {
    let mut number = text;
    while let Some(rest) = SCHEMES.iter().find_map(|scheme| without_prefix(number, scheme)) {
        number = rest.trim_start_matches(is_blank);
    }
    if let Some(host) = HOSTS.iter().find_map(|host| without_suffix(number, host)) {
        // The number of one of several devices.
        number = host.split_once(':').map_or(host, |(number, _)| number);
    }
    if number.len() < text.len()
        && let Some((before, parameters)) = number.split_once([';', '?'])
    {
        // A number that is local to an area (RFC 3966).
        if parameters.to_ascii_lowercase().contains("phone-context=") {
            return None;
        }
        number = before;
    }
    Some(number)
}

fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.split_at_checked(prefix.len()).filter(|(start, _)| start.eq_ignore_ascii_case(prefix)).map(|(_, rest)| rest)
}

fn without_suffix<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    text.split_at_checked(at).filter(|(_, end)| end.eq_ignore_ascii_case(suffix)).map(|(rest, _)| rest)
}

/// The text that follows a `(0)`, whose first bracket is `opening`.
pub(super) fn after_trunk_zero(opening: char, rest: Chars<'_>) -> Option<Chars<'_>> {
    let mut rest = rest;
    let mut next = || rest.by_ref().find(|c| !is_blank(*c));
    let brackets = [('(', ')'), ('[', ']'), ('\u{FF08}', '\u{FF09}'), ('\u{FF3B}', '\u{FF3D}')];
    let (_, closing) = brackets.into_iter().find(|(left, _)| *left == opening)?;
    let is_zero = next().map(Sign::of) == Some(Sign::Digit('0')) && next() == Some(closing);
    is_zero.then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sign::ZEROS;

    fn digits(text: &str) -> Option<String> {
        PhoneNumber::read(text).map(|number| number.digits().to_owned())
    }

    #[test]
    fn every_spelling_of_a_number_gives_its_digits() {
        for text in [
            "447700900123",
            "+447700900123",
            "00447700900123",
            " +44 7700 900-123\t",
            "(+44) 7700.900123",
            "+44 (0)7700 900123",
            "0044 (0) 7700 900123",
            "44 [0] 7700/900123",
            "tel:+447700900123",
            "TEL:+44-7700-900123;ext=5",
            "sms://+447700900123?body=Hi",
            "whatsapp:+447700900123",
            "447700900123@s.whatsapp.net",
            "447700900123:12@S.WhatsApp.net",
            "447700900123@c.us",
            "\u{202A}+44 7700 900123\u{202C}",
            "\u{200E}+44\u{A0}7700\u{202F}900123\u{2069}",
            "＋４４（０）７７００　９００１２３",
            "٤٤٧٧٠٠٩٠٠١٢٣",
            "𝟜𝟜𝟟𝟟𝟘𝟘𝟡𝟘𝟘𝟙𝟚𝟛",
            "+44‑7700–900—123",
            "+44−7700‐900・123",
            "4\u{FE0F}\u{20E3}47700900123",
            "44_7700_900123",
            "+44'7700’900123",
            "4\u{332}4\u{332}7\u{332}700900123",
            "⁺⁴⁴ ⁷⁷⁰⁰ ⁹⁰⁰¹²³",
            "₄₄₇₇₀₀₉₀₀₁₂₃",
            "④④⑦⑦⓪⓪⑨⓪⓪①②③",
            "⒋⒋⒎⒎🄀🄀⒐🄀🄀⒈⒉⒊",
            "➍➍❼❼⓿⓿➒⓿⓿❶❷❸",
            "四四七七〇〇九〇〇一二三",
            "%2B447700900123",
            "%252B44%25207700%2520900123",
            "tel%3A%2B44%C2%A07700900123",
            "&#43;447700900123",
            "\\u002b447700900123",
        ] {
            assert_eq!(digits(text).as_deref(), Some("447700900123"), "{text:?}");
        }
        assert_eq!(digits("07700 900123").as_deref(), Some("07700900123"));
    }

    #[test]
    fn ids_are_not_numbers() {
        for text in [
            "",
            "+",
            "1001",
            "GB.1000000000000001",
            "urn:mbid:AQ+/=",
            "user 12345",
            "44+7700900123",
            "dana@example.org",
            "447700900123@txt.example.com",
            "447700900123,447700900124",
            "447700900123 447700900124",
            "tel:1001",
            "tel:7700900123;phone-context=+44",
            "1.2e7",
            "c4a1d2f0-0000-4000-8000-000000000000",
            "44,7700,900123",
            "+447700900123,5",
            "447700900123²",
            "①234567",
            "%2B44%zz7700900123",
            "100%25",
            "sha256:00112233445566778899",
            "447700900123@g.us",
            "(0)",
        ] {
            assert_eq!(digits(text), None, "{text:?}");
        }
        // Ids padded with zeros stay unchanged: no country code begins with 0.
        assert_eq!(digits("0000123456").as_deref(), Some("0000123456"));
        assert_eq!(digits("001234").as_deref(), Some("001234"));
        assert_eq!(digits("1000000000000000000001").as_deref(), Some("1000000000000000000001"));
    }

    #[test]
    fn a_number_is_sent_only_in_international_form() {
        let sendable = |text: &str| PhoneNumber::read(text).unwrap().for_sending().map(str::to_owned);
        assert_eq!(sendable("(+44) 7700-900.123").as_deref(), Ok("447700900123"));
        for (text, word) in [
            ("07700900123", "begin with 0"),
            ("00447700900123", "begin with 0"),
            ("+07700900123", "begin with 0"),
            ("+44 (0)7700 900123", "(0)"),
            ("1234567890123456", "5 to 15 digits"),
        ] {
            assert!(sendable(text).unwrap_err().contains(word), "{text}");
        }
    }

    /// The spellings of one digit, and the separators that may stand between two digits.
    fn spelled(number: &'static str) -> impl Strategy<Value = String> {
        let between =
            prop::sample::select(vec!["", "", " ", "-", ".", "\u{A0}", "\u{2009}", "–", "\u{200B}", "/", "\u{3000}"]);
        let digit = (0..ZEROS.len(), between);
        let frame = prop::sample::select(vec![
            ("", ""),
            ("+", ""),
            ("＋", ""),
            ("00", ""),
            (" \u{202A}+", "\u{202C} "),
            ("tel:+", ""),
            ("", "@s.whatsapp.net"),
            ("(+", ")"),
            ("\u{2066}00 ", "\u{2069}"),
        ]);
        let digits = prop::collection::vec(digit, number.len());
        (frame, digits).prop_map(move |((before, after), digits)| {
            let digit = |(digit, (script, between)): (char, (usize, &'static str))| {
                let digit = char::from_u32(ZEROS[script] + digit.to_digit(10).unwrap()).unwrap();
                format!("{digit}{between}")
            };
            let spelled: String = number.chars().zip(digits).map(digit).collect();
            format!("{before}{spelled}{after}")
        })
    }

    proptest! {
        #[test]
        fn all_spellings_give_the_same_form(text in spelled("447700900123")) {
            let digits = digits(&text);
            prop_assert_eq!(digits.as_deref(), Some("447700900123"), "{:?}", text);
        }

        #[test]
        fn digits_read_as_the_same_number(text in "[ +0-9().;:@/-]{0,24}|[0-9+０-９٠-٩ \u{202A}()-]{0,24}|.{0,24}") {
            if let Some(once) = digits(&text) {
                prop_assert_eq!(digits(&once), Some(once), "{:?}", text);
            }
        }
    }
}
