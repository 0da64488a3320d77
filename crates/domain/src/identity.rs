//! What distinguishes an event from the others of its message.

use super::{Address, Fingerprint, Timestamp, TransactionId};

/// What the platform posted about an event, as far as it distinguishes the event from others of the same message. It
/// depends neither on a setting nor on what receiptd understands, so a notification that is posted or imported again is
/// still recognized after the time zone was corrected, or after an update that understands more.
#[derive(Clone, Copy, Debug)]
pub struct EventIdentity<'a> {
    pub transaction_id: Option<&'a TransactionId>,
    pub recipient: Option<&'a Address>,
    pub status_text: &'a str,
    pub code: Option<&'a str>,
    /// The time of the event. A time without a zone is read as UTC here, whatever the time zone of the tenant is.
    pub at: Option<Timestamp>,
    /// The platform's description of the code, or the link that was clicked.
    pub description: Option<&'a str>,
    /// What was clicked in an app. Without a readable time, also all other details.
    pub detail: Option<&'a str>,
}

impl EventIdentity<'_> {
    /// Equal for the same event of the same message, however often and in whichever format it is posted.
    pub fn fingerprint(&self) -> Fingerprint {
        let at = self.at.map_or(i64::MIN, Timestamp::as_micros).to_be_bytes();
        let spelling = spelling(self.status_text);
        let parts = [
            self.transaction_id.map_or("", TransactionId::as_str).as_bytes(),
            self.recipient.map_or("", Address::as_str).as_bytes(),
            spelling.as_bytes(),
            self.code.unwrap_or_default().as_bytes(),
            at.as_slice(),
            self.description.unwrap_or_default().as_bytes(),
        ];
        Fingerprint::of_parts(parts.into_iter().chain(self.detail.map(str::as_bytes)))
    }
}

/// The status text without the differences between spellings: `Un-Delivered` is `undelivered`. Signs before and after
/// all letters and digits are kept, since they may distinguish texts that no version of receiptd understands yet.
fn spelling(text: &str) -> String {
    let text = text.trim();
    let word = text.trim_matches(|c: char| !c.is_alphanumeric());
    let (before, after) = text.split_once(word).unwrap_or_default();
    let plain = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    before.chars().chain(plain).chain(after.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_status_text_are_equal_and_other_texts_are_not() {
        for text in ["Un-Delivered", "UN_DELIVERED", " un delivered\n", "undelivered"] {
            assert_eq!(spelling(text), "undelivered", "{text:?}");
        }
        for text in ["?", "!", "", "stagea+", "stagea-", "-stagea", "(stagea)", "stage1"] {
            assert_eq!(spelling(text), text);
        }
    }
}
