//! What a text of a person can mean: a pure function from the text to filters of the list.

use std::iter;

use crate::{
    domain::{Address, AddressError, Reference, Timestamp},
    webex::{Posted, TimeZone, codes},
};

/// One meaning of a text: a filter of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The name of the filter.
    pub(super) name: &'static str,
    /// Its value.
    pub(super) value: String,
}

/// Everything that a text can mean, the most certain first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Readings {
    pub(super) all: Vec<Reading>,
    /// Whether the text is a number without its country code. Messages are stored with the country code.
    pub(super) is_national: bool,
}

/// A longer text is not an id as a whole.
const LONGEST_ID: usize = 512;
/// The maximum number of parts of a text that are looked up. A pasted line has a few.
const MOST_PARTS: usize = 20;
/// The maximum number of notifications that are read of a pasted array.
const MOST_ELEMENTS: usize = 10;
/// Shorter parts of a line are words and numbers.
const SHORTEST_PART: usize = 4;
/// Shorter runs of digits in a line are amounts, ports and times.
const SHORTEST_NUMBER: usize = 8;

pub(super) const CORRELATION_ID: &str = "correlationId";
pub(super) const TRANSACTION_ID: &str = "transactionId";
pub(super) const TO: &str = "to";
pub(super) const CALLBACK_DATA: &str = "callbackData";
pub(super) const CODE: &str = "code";

/// Everything that `text` can mean.
pub(super) fn readings(text: &str) -> Readings {
    let mut readings = Readings::default();
    let text = text.trim();
    if readings.add_notifications(text) {
        return readings;
    }
    let is_line = text.len() > LONGEST_ID || text.contains(char::is_control);
    if !is_line {
        readings.add_whole(text);
    }
    if is_line || text.contains(|c: char| c.is_whitespace() || "=\"{".contains(c)) {
        readings.add_parts(text);
    }
    readings
}

impl Readings {
    fn add(&mut self, name: &'static str, value: &str) {
        let reading = Reading { name, value: value.to_owned() };
        if !value.is_empty() && !self.all.contains(&reading) {
            self.all.push(reading);
        }
    }

    /// The ids and addresses of notifications and inbound messages. Returns whether the text contains any.
    fn add_notifications(&mut self, text: &str) -> bool {
        let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
        if !text.starts_with(['{', '[']) {
            return false;
        }
        // The time zone makes no difference to ids.
        for (posted, _) in Posted::read_all(text.as_bytes(), TimeZone::UTC).into_iter().take(MOST_ELEMENTS) {
            match posted {
                Posted::Notification(notification, _) => {
                    if let Reference::Correlated(id, _) = &notification.reference {
                        self.add(CORRELATION_ID, id.as_str());
                    }
                    if let Some(id) = notification.reference.transaction_id() {
                        self.add(TRANSACTION_ID, id.as_str());
                    }
                    if let Some(recipient) = &notification.recipient {
                        self.add(TO, recipient.as_str());
                    }
                    self.add(CODE, notification.code.as_deref().unwrap_or_default());
                }
                Posted::Inbound(inbound) => {
                    self.add(TRANSACTION_ID, inbound.transaction_id.as_deref().unwrap_or_default());
                    self.add(TO, inbound.sender.as_ref().map_or("", Address::as_str));
                }
                Posted::Foreign | Posted::Unreadable(_) => {}
            }
        }
        !self.all.is_empty()
    }

    /// The text as a whole. Any text can be an id, so the form only decides the order.
    fn add_whole(&mut self, text: &str) {
        let address = Address::wanted(text);
        self.is_national = address == Err(AddressError::National);
        let to = address.as_ref().map_or("", Address::as_str);
        let is_person = text.contains('@') || address.as_ref().is_ok_and(|address| is_number(address, text));
        if is_code(text) {
            self.add(CODE, text);
        }
        if is_person {
            self.add(TO, to);
        }
        self.add(CORRELATION_ID, text);
        self.add(TRANSACTION_ID, text.strip_prefix("txn:").unwrap_or(text));
        self.add(CALLBACK_DATA, text);
        self.add(TO, to);
    }

    /// The parts of a line that can be ids, addresses, numbers or codes.
    fn add_parts(&mut self, text: &str) {
        for number in numbers(text).take(MOST_PARTS) {
            self.add(TO, number.as_str());
        }
        let mut parts: Vec<&str> = Vec::new();
        let words = text.split(|c: char| c.is_whitespace() || c.is_control() || "\"'`,;=(){}[]<>|".contains(c));
        let words = words.map(|word| word.trim_matches([':', '.', '/', '?', '!']));
        // An id can be a part of a path, and a path can be an id.
        let within = words.flat_map(|word| {
            iter::once(word).chain(word.rsplit(['/', '?', '&']).filter(move |within| *within != word))
        });
        for part in within.filter(|part| can_be_an_id(part)) {
            if parts.len() < MOST_PARTS && !parts.contains(&part) {
                parts.push(part);
            }
        }
        for part in parts {
            if part.contains('@') {
                if let Ok(address) = Address::wanted(part) {
                    self.add(TO, address.as_str());
                }
            } else if is_code(part) {
                self.add(CODE, part);
            } else {
                self.add(CORRELATION_ID, part);
                self.add(TRANSACTION_ID, part.strip_prefix("txn:").unwrap_or(part));
            }
        }
    }
}

/// Whether a text is a documented code.
fn is_code(text: &str) -> bool {
    codes::of_code(text).next().is_some()
}

/// Whether an address was written as a number, and not as the digits of a short id.
fn is_number(address: &Address, text: &str) -> bool {
    address.is_number() && (address.as_str().len() >= SHORTEST_NUMBER || text.starts_with('+'))
}

/// Whether a part of a line may be an id. Ordinary words, times and dates are not.
fn can_be_an_id(part: &str) -> bool {
    let has_digit = part.contains(|c: char| c.is_ascii_digit());
    let is_time = Timestamp::parse_time_or_date(part).is_some() || is_like_a_time(part);
    (SHORTEST_PART..=LONGEST_ID).contains(&part.len()) && (has_digit || part.contains('@')) && !is_time
}

/// Dates and times of logs: digits and the signs between them only, with at least two signs of a kind.
fn is_like_a_time(part: &str) -> bool {
    let is_sign = |c: char| ":-./TZ+,".contains(c);
    let only = part.chars().all(|c| c.is_ascii_digit() || is_sign(c));
    only && (part.matches(':').count() >= 2 || (part.len() == 10 && part.matches('-').count() == 2))
}

/// The numbers in a line that are written with their country code.
fn numbers(text: &str) -> impl Iterator<Item = Address> {
    let is_of_number = |c: char| c.is_ascii_digit() || "+() -.\u{A0}".contains(c);
    let runs = text.split(move |c| !is_of_number(c)).map(|run| run.trim_matches([' ', '.', '-', '(', ')', '\u{A0}']));
    let written = runs.flat_map(|run| {
        // With separators, only a plus or 00 shows that the run is one number.
        let whole = run.find('+').map(|at| &run[at..]).or_else(|| Some(run).filter(|run| run.starts_with("00")));
        let words = run.split_whitespace().filter(|word| word.len() >= SHORTEST_NUMBER);
        whole.into_iter().chain(words.filter(|word| word.chars().all(|c| c.is_ascii_digit())))
    });
    written.filter_map(|number| Address::wanted(number).ok()).filter(Address::is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(&'static str, String)> {
        readings(text).all.into_iter().map(|reading| (reading.name, reading.value)).collect()
    }

    fn first(text: &str) -> (&'static str, String) {
        read(text).into_iter().next().unwrap_or_else(|| panic!("nothing in {text:?}"))
    }

    #[test]
    fn a_number_is_read_in_every_spelling() {
        for text in [
            "+44 7700 900123",
            "00447700900123",
            "447700900123",
            " +44 (0)7700 900-123 ",
            "tel:+447700900123",
            "447700900123@s.whatsapp.net",
            "\u{202A}+44 7700 900123\u{202C}",
            "%2B447700900123",
        ] {
            assert_eq!(first(text), (TO, "447700900123".to_owned()), "{text}");
        }
        assert!(readings("07700 900123").is_national);
        assert!(!readings("+44 7700 900123").is_national);
    }

    #[test]
    fn a_short_text_can_be_everything_and_its_form_decides_the_order() {
        assert_eq!(first("7203"), (CODE, "7203".to_owned()));
        assert_eq!(first("Dana@Example.org"), (TO, "dana@example.org".to_owned()));
        assert_eq!(first("order-48213"), (CORRELATION_ID, "order-48213".to_owned()));
        let names: Vec<_> = read("order-48213").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [CORRELATION_ID, TRANSACTION_ID, CALLBACK_DATA, TO]);
        let transaction = read("txn:7f3af32c-8d6a");
        assert_eq!(transaction[0], (CORRELATION_ID, "txn:7f3af32c-8d6a".to_owned()));
        assert_eq!(transaction[1], (TRANSACTION_ID, "7f3af32c-8d6a".to_owned()));
        // A user id is not taken for a number, and nothing is taken for a code that is none.
        assert_eq!(first("1234"), (CORRELATION_ID, "1234".to_owned()));
    }

    #[test]
    fn callback_data_with_spaces_is_read_as_a_whole() {
        assert!(read("shop 7").contains(&(CALLBACK_DATA, "shop 7".to_owned())));
    }

    #[test]
    fn a_pasted_notification_gives_its_ids_and_its_recipient() {
        let nested = r#"{"deliveryInfoNotification":{"deliveryInfo":{"deliveryStatus":"Un-Delivered","code":"7203",
            "destination":"447700900123","destinationType":"msisdn","deliveryChannel":"sms"},"correlationid":"order-7",
            "transid":"7f3af32c"}}"#;
        for text in [nested.to_owned(), format!("[{nested},{nested}]"), format!("\u{FEFF} {nested}")] {
            let read = read(&text);
            assert_eq!(read[0], (CORRELATION_ID, "order-7".to_owned()), "{text}");
            assert!(read.contains(&(TRANSACTION_ID, "7f3af32c".to_owned())), "{text}");
            assert!(read.contains(&(CODE, "7203".to_owned())), "{text}");
        }
    }

    #[test]
    fn the_parts_of_a_line_are_read() {
        for (line, expected) in [
            ("2026-05-20T13:15:04Z WARN delivery failed order=order-48213 code=7203", (CORRELATION_ID, "order-48213")),
            ("2026-05-20T13:15:04Z WARN delivery failed order=order-48213 code=7203", (CODE, "7203")),
            (r#"{"level":"info","transid":"7f3af32c-8d6a-4173","msg":"sent"}"#, (TRANSACTION_ID, "7f3af32c-8d6a-4173")),
            (r#"{"items":[{"correlationId":"order-9","to":"447700900123"}]}"#, (TO, "447700900123")),
            ("GET /v1/messages/order-48213?wait=final 200", (CORRELATION_ID, "order-48213")),
            ("[13:15:04.749] SMS to +44 7700 900123 not delivered.", (TO, "447700900123")),
            ("customer (0044 7700 900123) says nothing came", (TO, "447700900123")),
            ("mail to <Dana@example.org> bounced", (TO, "dana@example.org")),
            ("id: 'a1b2c3d4'\nnext line", (CORRELATION_ID, "a1b2c3d4")),
            ("correlation_id=\"txn:77\" status=failed", (TRANSACTION_ID, "77")),
        ] {
            let read = read(line);
            let expected = (expected.0, expected.1.to_owned());
            assert!(read.contains(&expected), "{line}: {expected:?} is not in {read:?}");
        }
    }

    #[test]
    fn words_dates_and_times_of_a_line_are_no_ids() {
        let parts =
            read("2026-05-20 13:15:04,749 20.05.2026 2026-05-20T13:15:04.749+01:00 message was not delivered today");
        let ids: Vec<_> = parts.iter().filter(|(_, value)| !value.contains(' ')).collect();
        assert!(ids.iter().all(|(_, value)| value == "20.05.2026"), "{ids:?}");
    }

    #[test]
    fn any_text_has_a_bounded_number_of_readings() {
        let long = (0..10_000).map(|n| format!("id-{n}")).collect::<Vec<_>>().join(" ");
        assert!(read(&long).len() <= 2 * MOST_PARTS);
        let numbers = (0..10_000).map(|n| format!("+44770090{n:04}")).collect::<Vec<_>>().join(", ");
        assert!(read(&numbers).len() <= 3 * MOST_PARTS);
        for text in ["", " ", "\0", "{", "[[[[", "=\"", "()", "+", "💥", &"7".repeat(70_000), "[]", "{}"] {
            assert!(read(text).len() <= 2 * MOST_PARTS, "{text:.20}");
        }
        assert_eq!(read("  "), []);
    }
}
