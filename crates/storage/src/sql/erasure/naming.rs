//! Whether stored texts name a person.

use receiptd_domain::{ERASED, Person};

use crate::rows::NotificationRow;

/// Whether a notification names the person.
pub(super) fn is_named(person: &Person, row: &NotificationRow) -> bool {
    // Its body may have been purged. A text that is not an address may name the person nevertheless.
    let texts = [&row.recipient, &row.reason, &row.detail, &row.callback_data];
    let texts = texts.into_iter().flatten().chain([&row.status_text]).map(String::as_bytes);
    [row.body.as_slice()].into_iter().chain(texts).any(|text| person.is_named_in(text))
}

/// The text, or a placeholder if it names the person.
pub(super) fn unless_named(person: &Person, text: &str) -> String {
    if person.is_named_in(text.as_bytes()) { ERASED.to_owned() } else { text.to_owned() }
}
