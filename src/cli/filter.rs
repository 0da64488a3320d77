//! The flags that select messages. Each is the filter of the same name in the API.

use super::pairs::{Pairs, given};
use crate::{
    clock::Clock,
    domain::{Channel, Timestamp},
};

/// The flags that select messages.
#[derive(clap::Args)]
pub(super) struct FilterArgs {
    /// Status: queued, sending, unconfirmed, accepted, rejected, cancelled, expired, unknown, submitted, failed,
    /// delivered, read, clicked, complained
    #[arg(long)]
    status: Option<String>,
    /// Whether the status is final
    #[arg(long, value_name = "BOOL")]
    r#final: Option<String>,
    /// Kind of failure: permanent, transient, unclear
    #[arg(long)]
    failure: Option<String>,
    /// Channel: sms, mms, rcs, email, voice, whatsapp, messenger, apple, push, in-app, instagram
    #[arg(long)]
    channel: Option<String>,
    /// Recipient: an address, an id, or a number with its country code, in any spelling; or KIND:ID, as in
    /// userid:0123456
    #[arg(long)]
    to: Option<String>,
    /// Sender of a message that receiptd sent
    #[arg(long, value_name = "SENDER")]
    from: Option<String>,
    /// Code behind the status
    #[arg(long)]
    code: Option<String>,
    /// Correlation id; with * at the end, a prefix
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// Callback data; with * at the end, a prefix
    #[arg(long, value_name = "TEXT")]
    callback_data: Option<String>,
    /// Transaction id
    #[arg(long, value_name = "ID")]
    transaction_id: Option<String>,
    /// Origin: sent (by receiptd) or observed (sent by another system)
    #[arg(long)]
    origin: Option<String>,
    /// Not final, and older than the deadline of its channel in the settings; false lists all others
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    overdue: Option<String>,
    /// First known at or after this time: RFC 3339, a date, today, yesterday, or an age such as 90s, 15m, 24h, 7d, 2w.
    /// Days are in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<String>,
    /// First known before this time, in the same forms. A date means its beginning
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<String>,
}

impl FilterArgs {
    /// Returns the filters that are given, with their names in the API.
    pub(super) fn into_pairs(self) -> Vec<(&'static str, String)> {
        given([
            ("status", self.status),
            ("final", self.r#final),
            ("failure", self.failure),
            ("channel", self.channel),
            ("to", self.to),
            ("from", self.from),
            ("code", self.code),
            ("correlationId", self.correlation_id),
            ("callbackData", self.callback_data),
            ("transactionId", self.transaction_id),
            ("origin", self.origin),
            ("overdue", self.overdue),
            ("since", self.since),
            ("until", self.until),
        ])
    }
}

/// The line that is printed if nothing was found. If the filter has an unknown channel, the line lists the known ones. An
/// unknown channel is not an error, since there may be messages of such a channel.
pub(super) fn nothing(what: &str, filters: &Pairs) -> String {
    let channel = filters.iter().find(|(name, _)| *name == "channel").map(|(_, value)| Channel::from_name(value));
    match channel {
        Some(Channel::Other(name)) => {
            let known: Vec<_> = Channel::known().map(|channel| channel.as_str().to_owned()).collect();
            format!("{what}; {name:?} is not a known channel; the channels are {}", known.join(", "))
        }
        _ => what.to_owned(),
    }
}

/// Parses a time in a flag, and returns it in the format of the API.
pub(super) fn time(text: &str) -> Result<String, String> {
    let at = Timestamp::parse_relative(text, Clock::system().now());
    let at = at.ok_or("give a time such as 2026-05-20T13:15:00Z, a date, today, yesterday, or an age such as 24h")?;
    Ok(at.to_string())
}

/// Like [`time`], for messages that are counted by the hour: a time that is relative to now becomes the beginning of its hour.
pub(super) fn hour(text: &str) -> Result<String, String> {
    let at = time(text)?;
    match Timestamp::parse_time_or_date(text) {
        Some(_) => Ok(at),
        None => Ok(Timestamp::parse_rfc3339(&at).map_or(at, |at| at.to_hour().to_string())),
    }
}
