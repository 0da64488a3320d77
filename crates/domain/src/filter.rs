//! The filters of a list of messages.

use std::collections::BTreeSet;

use super::{
    Address, Channel, Cursor, Cutoffs, Failure, FieldError, Origin, PageLimit, Pattern, Status, Timestamp,
    TransactionId,
};

/// Which messages to list. Each filter narrows the list. Without filters, all messages are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub status: Option<Status>,
    /// Whether the outcome is known.
    pub is_final: Option<bool>,
    pub failure: Option<Failure>,
    pub channel: Option<Channel>,
    /// The recipient, also as one of several.
    pub recipient: Option<Address>,
    /// The sender. Only messages that receiptd sent have one.
    pub sender: Option<String>,
    /// The code behind the status.
    pub code: Option<String>,
    pub correlation_id: Option<Pattern>,
    /// The callback data that the platform returned.
    pub callback_data: Option<Pattern>,
    pub transaction_id: Option<TransactionId>,
    /// Sent by receiptd, or observed.
    pub origin: Option<Origin>,
    /// Whether the message is overdue by these cutoffs.
    pub overdue: Option<(bool, Cutoffs)>,
    /// First known at or after this time.
    pub since: Option<Timestamp>,
    /// First known before this time.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// The part of the filter that a status event does not answer. `None` if there is none.
    pub fn of_message(&self) -> Option<Self> {
        let Self { recipient, sender, callback_data, transaction_id, overdue, since, until, .. } = self.clone();
        let rest = Self { recipient, sender, callback_data, transaction_id, overdue, since, until, ..Self::default() };
        (rest != Self::default()).then_some(rest)
    }
}

/// A request for one page of a list, as text: the filters of the API and of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRequest {
    pub filter: Filter,
    /// Where the page begins.
    pub after: Option<Cursor>,
    /// The number of items on the page.
    pub limit: PageLimit,
}

impl ListRequest {
    /// The names that [`Self::parse`] accepts: the filters, `limit` and `cursor`.
    pub const NAMES: [&'static str; 16] = [
        "status",
        "final",
        "failure",
        "channel",
        "to",
        "from",
        "code",
        "correlationId",
        "callbackData",
        "transactionId",
        "origin",
        "overdue",
        "since",
        "until",
        "limit",
        "cursor",
    ];

    /// Parses names and values, and reports all errors at once. An unknown name is an error, because ignoring a filter
    /// would show more than was asked for. `cutoffs` decide what is overdue now.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        cutoffs: &Cutoffs,
    ) -> Result<Self, Vec<FieldError>> {
        let mut request = Self::default();
        let mut errors = Vec::new();
        let mut given = BTreeSet::new();
        for (name, value) in pairs {
            let once = if given.insert(name) { Ok(()) } else { Err("is given more than once".to_owned()) };
            if let Err(detail) = once.and_then(|()| request.set(name, value, cutoffs)) {
                errors.push(FieldError { pointer: format!("/{name}"), detail });
            }
        }
        if errors.is_empty() { Ok(request) } else { Err(errors) }
    }

    fn set(&mut self, name: &str, value: &str, cutoffs: &Cutoffs) -> Result<(), String> {
        let filter = &mut self.filter;
        match name {
            "status" => filter.status = Some(word(value, Status::from_word, Status::all().map(Status::as_str))?),
            "final" => filter.is_final = Some(yes_or_no(value)?),
            "failure" => filter.failure = Some(word(value, Failure::from_word, Failure::ALL.map(Failure::as_str))?),
            "channel" => filter.channel = Some(Channel::from_name(value)),
            "to" => filter.recipient = Some(Address::wanted(value).map_err(|error| error.to_string())?),
            // As in ids: stored text contains no NUL, and Postgres rejects it in a statement.
            "from" => filter.sender = Some(value.replace('\0', "\u{FFFD}")),
            "code" => filter.code = Some(value.replace('\0', "\u{FFFD}")),
            "correlationId" => filter.correlation_id = Some(Pattern::read(value).ok_or("must not be empty")?),
            "callbackData" => filter.callback_data = Some(Pattern::read(value).ok_or("must not be empty")?),
            "overdue" => filter.overdue = Some((yes_or_no(value)?, cutoffs.clone())),
            "transactionId" => {
                filter.transaction_id = Some(TransactionId::new(value).map_err(|error| error.to_string())?);
            }
            "origin" => filter.origin = Some(word(value, Origin::from_word, Origin::ALL.map(Origin::as_str))?),
            "since" => filter.since = Some(instant(value)?),
            "until" => filter.until = Some(instant(value)?),
            "limit" => self.limit = PageLimit::read(value)?,
            "cursor" => self.after = Some(Cursor::read(value)?),
            _ => return Err(format!("is not a filter; the filters are {}", Self::NAMES.join(", "))),
        }
        Ok(())
    }
}

pub(super) fn word<T>(
    value: &str,
    parse: impl Fn(&str) -> Option<T>,
    words: impl IntoIterator<Item = &'static str>,
) -> Result<T, String> {
    parse(value).ok_or_else(|| format!("must be one of {}", words.into_iter().collect::<Vec<_>>().join(", ")))
}

fn yes_or_no(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| "must be true or false".to_owned())
}

pub(super) fn instant(value: &str) -> Result<Timestamp, String> {
    Timestamp::parse_time_or_date(value)
        .ok_or_else(|| "must be a time such as 2026-05-20T13:15:00Z, or a date (in a URL, write + as %2B)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_parsed_and_all_errors_are_reported() {
        let good = [
            ("status", "failed"),
            ("final", "true"),
            ("failure", "permanent"),
            ("channel", "SMS"),
            ("to", "+44 7700 900123"),
            ("from", "ACME"),
            ("code", "7203"),
            ("correlationId", "order-7"),
            ("callbackData", "shop*"),
            ("transactionId", "t"),
            ("origin", "observed"),
            ("overdue", "true"),
            ("since", "2026-05-20T13:15:00+01:00"),
            ("until", "2026-05-21T00:00:00Z"),
            ("limit", "500"),
        ];
        let cutoffs = Cutoffs { other: Timestamp::from_micros(7), ..Cutoffs::default() };
        let request = ListRequest::parse(good, &cutoffs).unwrap();
        assert_eq!(request.filter.overdue, Some((true, cutoffs.clone())));
        assert_eq!(request.filter.correlation_id, Some(Pattern::Exact("order-7".to_owned())));
        assert_eq!(request.filter.callback_data, Some(Pattern::Prefix("shop".to_owned())));
        assert_eq!(request.filter.status, Some(Status::Failed));
        assert_eq!(request.filter.recipient, Address::new("447700900123"));
        assert_eq!(request.limit.get(), 500);
        let national = ListRequest::parse([("to", "07700 900123")], &cutoffs).unwrap_err();
        assert!(national[0].detail.contains("+447700900123"), "{}", national[0].detail);
        let twice = ListRequest::parse([("status", "failed"), ("status", "read")], &cutoffs).unwrap_err();
        assert_eq!((twice[0].pointer.as_str(), twice[0].detail.as_str()), ("/status", "is given more than once"));
        let bad = ListRequest::NAMES.map(|name| (name, ""));
        let errors = ListRequest::parse(bad.into_iter().chain([("stauts", "failed")]), &cutoffs).unwrap_err();
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        // Any text is accepted as a channel, as a sender and as a code.
        let expected = [
            "/status",
            "/final",
            "/failure",
            "/to",
            "/correlationId",
            "/callbackData",
            "/transactionId",
            "/origin",
            "/overdue",
            "/since",
            "/until",
            "/limit",
            "/cursor",
            "/stauts",
        ];
        assert_eq!(pointers, expected);
    }
}
