//! Customers' own messages and events on the notify URL.

use receiptd_domain::{Address, Channel, Inbound};

use super::fields::Fields;

/// The members that may contain the customer's address, by channel.
const SENDERS: [&str; 9] = ["oa", "waid", "msisdn", "abcUserId", "psid", "igsid", "bsuid", "from", "userId"];

/// Recognizes a customer's message or event: it has `event`, or the two numbers of an SMS.
pub(super) fn read(root: &Fields<'_>) -> Option<Inbound> {
    if !root.has(&["event", "oa", "da"]) {
        return None;
    }
    let sender = SENDERS.iter().find_map(|name| root.text(&[name]));
    Some(Inbound {
        channel: root.text(&["channel"]).map(|name| Channel::from_name(&name)),
        event: root.owned(&["event"]).unwrap_or_else(|| "MO".to_owned()),
        // A mail contains its address in square brackets.
        sender: sender.and_then(|text| Address::new(text.trim_matches(['[', ']']))),
        transaction_id: root.owned(&["tid"]),
    })
}
