//! The data of a message that its notifications repeat, and how they write it.

use chrono::{DateTime, FixedOffset, Utc};
use receiptd_domain::Channel;
use serde_json::{Map, Value};

use super::step::Step;

/// The common data of all notifications of one message.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub(super) channel: Channel,
    /// The kind of the id in the request.
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) transaction_id: String,
    pub(super) correlation_id: String,
    pub(super) callback_data: String,
    /// The number of parts of an SMS.
    pub(super) segments: usize,
    /// The recipient's network, if it is known.
    pub(super) carrier: &'static str,
    /// The format of the notifications.
    pub(super) frame: Frame,
    /// Whether the push message has buttons.
    pub(super) has_buttons: bool,
}

/// The format of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The envelope of all channels.
    Envelope,
    /// The SMS API v1's own format.
    FlatSms,
    /// The Voice API v1's own format.
    FlatVoice,
}

/// The push id of the only device that the simulator assumes for a user.
pub(super) fn push_id(trace: &Trace) -> String {
    if trace.kind.ends_with("_pushid") { trace.id.clone() } else { format!("fcm-token-{}", trace.id) }
}

/// Some channels use the tenant's zone, others `Z`, and old samples have no zone.
pub(super) fn time_stamp(channel: &Channel, step: &Step, at: DateTime<Utc>) -> String {
    let offset = |minutes: i32| {
        let zone = FixedOffset::east_opt(minutes * 60).map(|zone| at.with_timezone(&zone));
        zone.map_or_else(String::new, |at| at.format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string())
    };
    match (channel, step.word) {
        (Channel::Voice, "ANSWERED")
        | (Channel::Email, "Complaint" | "Not Verified")
        | (Channel::Messenger, "Submitted" | "Submited" | "Delivered" | "Read") => {
            at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
        }
        (Channel::Sms, _) | (Channel::InApp, "Submitted" | "Delivered" | "Read" | "Clicked") => offset(60),
        (Channel::Rcs, "Submitted" | "Delivered" | "Read") => offset(-240),
        (Channel::Email, "Submitted" | "Delivered" | "Bounce")
        | (Channel::Whatsapp | Channel::Push | Channel::InApp, _)
        | (Channel::Apple, "Failed")
        | (Channel::Instagram, "Submitted") => offset(330),
        _ => at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
    }
}

pub(super) fn set(map: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    map.insert(name.to_owned(), value.into());
}
