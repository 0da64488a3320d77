//! Which messages a list shows, and where its next page begins.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{Address, Channel, CorrelationId, Failure, Fault, Message, Origin, Status, Timestamp, TransactionId};

/// Which messages to list. Each filter that is set narrows the list; none set lists everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// With this status.
    pub status: Option<Status>,
    /// Whose outcome is known, or not yet.
    pub is_final: Option<bool>,
    /// That failed in this way.
    pub failure: Option<Failure>,
    /// On this channel.
    pub channel: Option<Channel>,
    /// To this recipient, as one of several too.
    pub recipient: Option<Address>,
    /// With this code behind the status.
    pub code: Option<String>,
    /// With this transaction id.
    pub transaction_id: Option<TransactionId>,
    /// Sent by us, or observed.
    pub origin: Option<Origin>,
    /// First heard of at or after this.
    pub since: Option<Timestamp>,
    /// First heard of before this.
    pub until: Option<Timestamp>,
}

/// How many items a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u16);

impl PageLimit {
    /// The greatest.
    pub const MAX: u16 = 500;

    /// From 1 to 500.
    pub fn new(limit: u16) -> Option<Self> {
        (1..=Self::MAX).contains(&limit).then_some(Self(limit))
    }

    /// The number.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(50)
    }
}

/// Where a page begins: after this item, in the order of the list. A key and not a count, so pages neither skip nor
/// repeat while new items arrive. To a client it is opaque text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time by which the list is ordered.
    pub at: Timestamp,
    /// Decides among items of one instant.
    pub id: String,
}

impl Cursor {
    /// After `message`.
    pub fn after(message: &Message) -> Self {
        Self { at: message.created_at, id: message.correlation_id.as_str().to_owned() }
    }

    /// Reads what [`Cursor::encode`] wrote.
    pub fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (at, id) = text.split_once(':')?;
        CorrelationId::new(id).ok()?;
        Some(Self { at: Timestamp::from_micros(at.parse().ok()?), id: id.to_owned() })
    }

    /// As opaque text.
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{}:{}", self.at.as_micros(), self.id))
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// From up to one item more than the page holds: the surplus one tells that there is a next page.
    pub fn from_surplus(mut items: Vec<T>, limit: PageLimit, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = items.len() > limit.get();
        items.truncate(limit.get());
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}

/// A request for one page of a list, as text: the filters of the API and of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// Which messages.
    pub filter: Filter,
    /// Where the page begins.
    pub after: Option<Cursor>,
    /// How many items it holds.
    pub limit: PageLimit,
}

/// The names that [`ListRequest::parse`] knows.
const NAMES: [&str; 12] = [
    "status",
    "final",
    "failure",
    "channel",
    "to",
    "code",
    "transactionId",
    "origin",
    "since",
    "until",
    "limit",
    "cursor",
];

impl ListRequest {
    /// Reads names and values, and reports every fault at once. An unknown name is a fault, since ignoring a filter
    /// would show more than was asked for.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<Fault>> {
        let mut request = Self::default();
        let mut faults = Vec::new();
        let mut given = BTreeSet::new();
        for (name, value) in pairs {
            let once = if given.insert(name) { Ok(()) } else { Err("is given twice".to_owned()) };
            if let Err(detail) = once.and_then(|()| request.set(name, value)) {
                faults.push(Fault { pointer: format!("/{name}"), detail });
            }
        }
        if faults.is_empty() { Ok(request) } else { Err(faults) }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let filter = &mut self.filter;
        match name {
            "status" => filter.status = Some(word(value, Status::from_word, Status::all().map(Status::as_str))?),
            "final" => filter.is_final = Some(value.parse().map_err(|_| "must be true or false")?),
            "failure" => filter.failure = Some(word(value, Failure::from_word, Failure::ALL.map(Failure::as_str))?),
            "channel" => filter.channel = Some(Channel::from_name(value)),
            "to" => filter.recipient = Some(Address::new(value).ok_or("must not be blank")?),
            // As in ids: no stored text holds NUL, and Postgres takes none in a statement.
            "code" => filter.code = Some(value.replace('\0', "\u{FFFD}")),
            "transactionId" => {
                filter.transaction_id = Some(TransactionId::new(value).map_err(|error| error.to_string())?);
            }
            "origin" => filter.origin = Some(word(value, Origin::from_word, Origin::ALL.map(Origin::as_str))?),
            "since" => filter.since = Some(instant(value)?),
            "until" => filter.until = Some(instant(value)?),
            "limit" => {
                let limit = value.parse().ok().and_then(PageLimit::new);
                self.limit = limit.ok_or_else(|| format!("must be a number from 1 to {}", PageLimit::MAX))?;
            }
            "cursor" => {
                let cursor = Cursor::decode(value).ok_or("is not a cursor; take nextCursor of the page before")?;
                self.after = Some(cursor);
            }
            _ => return Err(format!("is not a filter; there are {}", NAMES.join(", "))),
        }
        Ok(())
    }
}

fn word<T>(
    value: &str,
    parse: impl Fn(&str) -> Option<T>,
    words: impl IntoIterator<Item = &'static str>,
) -> Result<T, String> {
    parse(value).ok_or_else(|| format!("must be one of {}", words.into_iter().collect::<Vec<_>>().join(", ")))
}

fn instant(value: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(value)
        .ok_or_else(|| "must be a time such as 2026-05-20T13:15:00Z (in a URL + is %2B)".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_name_is_read_and_every_fault_is_told() {
        let good = [
            ("status", "failed"),
            ("final", "true"),
            ("failure", "permanent"),
            ("channel", "SMS"),
            ("to", "+44 7700 900123"),
            ("code", "7203"),
            ("transactionId", "t"),
            ("origin", "observed"),
            ("since", "2026-05-20T13:15:00+01:00"),
            ("until", "2026-05-21T00:00:00Z"),
            ("limit", "500"),
        ];
        let request = ListRequest::parse(good).unwrap();
        assert_eq!(request.filter.status, Some(Status::Failed));
        assert_eq!(request.filter.recipient, Address::new("447700900123"));
        assert_eq!(request.limit.get(), 500);
        let twice = ListRequest::parse([("status", "failed"), ("status", "read")]).unwrap_err();
        assert_eq!((twice[0].pointer.as_str(), twice[0].detail.as_str()), ("/status", "is given twice"));
        let bad = NAMES.map(|name| (name, ""));
        let faults = ListRequest::parse(bad.into_iter().chain([("stauts", "failed")])).unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        // Any text is a channel or a code.
        let expected = [
            "/status",
            "/final",
            "/failure",
            "/to",
            "/transactionId",
            "/origin",
            "/since",
            "/until",
            "/limit",
            "/cursor",
            "/stauts",
        ];
        assert_eq!(pointers, expected);
    }

    #[test]
    fn a_page_tells_whether_there_is_another() {
        let limit = PageLimit::new(2).unwrap();
        let cursor = |n: &i64| Cursor { at: Timestamp::from_micros(*n), id: n.to_string() };
        assert_eq!(Page::from_surplus(vec![1, 2], limit, cursor).next, None);
        let page = Page::from_surplus(vec![1, 2, 3], limit, cursor);
        assert_eq!((page.items, page.next.unwrap().id), (vec![1, 2], "2".to_owned()));
    }

    #[test]
    fn a_page_limit_is_bounded() {
        assert_eq!(PageLimit::new(0), None);
        assert_eq!(PageLimit::new(501), None);
        assert_eq!(PageLimit::default().get(), 50);
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back(at in any::<i64>(), id in ".{1,60}") {
            let cursor = Cursor { at: Timestamp::from_micros(at), id };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = Cursor::decode(&text);
        }
    }
}
