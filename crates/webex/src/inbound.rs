//! Customers' own messages and events on the same URL.

use receiptd_domain::{Address, Channel, Inbound};

use super::fields::Fields;

/// Where the customer's address may stand, by channel.
const SENDERS: [&str; 9] = ["oa", "waid", "msisdn", "abcUserId", "psid", "igsid", "bsuid", "from", "userId"];

/// Recognises a customer's message or event: it has `event`, or the two numbers of an SMS.
pub(super) fn read(root: &Fields<'_>) -> Option<Inbound> {
    if !root.has(&["event", "oa", "da"]) {
        return None;
    }
    let sender = SENDERS.iter().find_map(|name| root.text(&[name]));
    Some(Inbound {
        channel: root.text(&["channel"]).map(|name| Channel::from_name(&name)),
        event: root.owned(&["event"]).unwrap_or_else(|| "MO".to_owned()),
        // Mail comes from an address in square brackets.
        sender: sender.and_then(|text| Address::new(text.trim_matches(['[', ']']))),
        transaction_id: root.owned(&["tid"]),
    })
}
