//! Rows of receiptd's own exports. They contain how and when each body arrived, which is preserved.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::row::{ImportError, Origin, Row};
use crate::domain::{ERASED_BODY, Source, Timestamp};

/// The cells of a row of an export, by the names of its columns.
#[derive(Default)]
pub(super) struct Cells<'a> {
    pub(super) received_at: Option<&'a str>,
    pub(super) source: Option<&'a str>,
    pub(super) times: Option<&'a str>,
    pub(super) status: Option<&'a str>,
    pub(super) event: Option<&'a str>,
    pub(super) body: Option<&'a str>,
    pub(super) body_base64: Option<&'a str>,
}

/// The columns that distinguish an export of bodies from any other file.
pub(super) const MARKS: [&str; 5] = ["fingerprint", "receivedAt", "source", "times", "body"];

/// Exports that cannot be imported, messages and the audit log, with the columns that identify them.
pub(super) const NO_BODIES: [(&[&str], &str); 2] = [
    (
        &["correlationId", "createdAt", "notificationCount"],
        "messages, which follow from their notifications; export and import those (receiptd export --of notifications)",
    ),
    (&["actor", "at", "count"], "the audit log, which cannot be imported"),
];

impl Cells<'_> {
    /// Returns the body, and how it arrived.
    pub(super) fn read(&self, number: u64) -> Row {
        let origin = self.origin();
        let body = match &origin {
            Some(_) => self.body(),
            None => Err("it is a row of an export, but its receivedAt, source or times cannot be read".to_owned()),
        };
        Row { number, body, origin }
    }

    fn origin(&self) -> Option<Origin> {
        Some(Origin {
            received_at: Timestamp::parse_rfc3339(self.received_at?)?,
            source: Source::from_word(self.source?)?,
            occurrences: self.times?.parse().ok().filter(|occurrences| *occurrences >= 1)?,
            was_in_quarantine: self.status.or(self.event).is_none_or(str::is_empty),
        })
    }

    fn body(&self) -> Result<Vec<u8>, String> {
        let body = match self.body_base64.filter(|text| !text.is_empty()) {
            Some(text) => BASE64_STANDARD.decode(text).map_err(|_| "its bodyBase64 is not base64".to_owned())?,
            None => self.body.unwrap_or_default().as_bytes().to_vec(),
        };
        if body.is_empty() || body == ERASED_BODY {
            return Err("its body was removed before the export, so it cannot be imported".to_owned());
        }
        Ok(body)
    }
}

/// The members that identify a JSON object as a row of an export, or as a page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    #[serde(borrow)]
    fingerprint: Option<&'a RawValue>,
    #[serde(borrow)]
    received_at: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    times: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    body_base64: Option<&'a RawValue>,
    #[serde(borrow)]
    correlation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    notification_count: Option<&'a RawValue>,
    #[serde(borrow)]
    actor: Option<&'a RawValue>,
    #[serde(borrow)]
    at: Option<&'a RawValue>,
    #[serde(borrow)]
    count: Option<&'a RawValue>,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

/// An empty page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct EmptyPage {
    #[serde(rename = "items")]
    _items: [(); 0],
    #[serde(rename = "nextCursor")]
    _next_cursor: Option<()>,
}

/// Returns the rows in a JSON object that receiptd wrote; `None` if it did not write it.
pub(super) fn rows(number: u64, object: &[u8]) -> Option<Result<Vec<Row>, ImportError>> {
    let members: Members<'_> = serde_json::from_slice(object).ok()?;
    if serde_json::from_slice::<EmptyPage>(object).is_ok() {
        return Some(Ok(Vec::new()));
    }
    match &members.items {
        // A page, as `receiptd quarantine --json` prints it.
        Some(items) if !items.is_empty() => {
            let members = |item: &&RawValue| serde_json::from_str::<Members<'_>>(item.get()).ok()?.read(number);
            items.iter().map(members).collect()
        }
        _ => Some(members.read(number)?.map(|row| vec![row])),
    }
}

impl Members<'_> {
    fn read(&self, number: u64) -> Option<Result<Row, ImportError>> {
        let has = |all: &[Option<&RawValue>]| all.iter().all(Option::is_some);
        if has(&[self.fingerprint, self.received_at, self.source, self.times, self.body]) {
            return Some(Ok(self.row(number)));
        }
        let kinds = [
            has(&[self.correlation_id, self.created_at, self.notification_count]),
            has(&[self.actor, self.at, self.count]),
        ];
        let kind = kinds.into_iter().zip(NO_BODIES).find(|(is, _)| *is);
        kind.map(|(_, (_, what))| Err(ImportError::NoBodies(what)))
    }

    fn row(&self, number: u64) -> Row {
        let text = |member: Option<&RawValue>| {
            let member = member.map(RawValue::get).filter(|member| *member != "null")?;
            Some(serde_json::from_str::<String>(member).unwrap_or_else(|_| member.to_owned()))
        };
        let [received_at, source, times, status, event, body, body_base64] =
            [self.received_at, self.source, self.times, self.status, self.event, self.body, self.body_base64].map(text);
        let cells = Cells {
            received_at: received_at.as_deref(),
            source: source.as_deref(),
            times: times.as_deref(),
            status: status.as_deref(),
            event: event.as_deref(),
            body: body.as_deref(),
            body_base64: body_base64.as_deref(),
        };
        cells.read(number)
    }
}
