//! What to export, and how.

use crate::domain::{AuditFilter, AuditRequest, Channel, Cutoffs, FieldError, Filter, ListRequest};

/// The kind of rows to export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Messages, with the fields of the list.
    #[default]
    Messages,
    /// Messages that failed or were refused.
    Failures,
    /// The notifications of messages, parsed and raw.
    Notifications,
    /// Messages and events of customers.
    Inbound,
    /// The quarantine.
    Quarantine,
    /// The audit log. For administrators only.
    Audit,
}

impl Subject {
    /// All subjects, in the order in which they are listed.
    pub const ALL: [Self; 6] =
        [Self::Messages, Self::Failures, Self::Notifications, Self::Inbound, Self::Quarantine, Self::Audit];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Failures => "failures",
            Self::Notifications => "notifications",
            Self::Inbound => "inbound",
            Self::Quarantine => "quarantine",
            Self::Audit => "audit",
        }
    }
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a header; opens in a spreadsheet.
    #[default]
    Csv,
    /// One JSON object per line.
    Ndjson,
}

impl Format {
    /// Both formats.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Ndjson];

    /// The name in the API, which is also the extension of the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

/// What to export, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportRequest {
    /// The kind of rows.
    pub subject: Subject,
    /// The format of the rows.
    pub format: Format,
    /// Whether CSV begins with a byte order mark, without which some spreadsheets do not recognize UTF-8.
    pub byte_order_mark: bool,
    /// The messages to export.
    pub filter: Filter,
    /// The entries of the audit log to export.
    pub audit: AuditFilter,
    /// The filters as the audit log records them.
    recorded_filters: Vec<String>,
}

/// The filters whose values are recorded. The values of other filters may be personal data.
const RECORDED: [&str; 9] = ["status", "final", "failure", "channel", "origin", "overdue", "since", "until", "action"];

/// Returns filters as the audit log records them.
pub fn recorded_filters<'a>(filters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    filters.into_iter().map(|filter| recorded(&filter)).collect()
}

/// Returns a filter as the audit log records it.
fn recorded((name, value): &(&str, &str)) -> String {
    let is_known = *name != "channel" || Channel::known().any(|channel| channel.as_str() == *value);
    if RECORDED.contains(name) && is_known { format!("{name}={value}") } else { format!("{name}=(not recorded)") }
}

impl ExportRequest {
    /// Returns what the audit log records about the request: never a number, an address or a text that was searched
    /// for.
    pub fn details(&self) -> String {
        let what = format!("{} as {}", self.subject.as_str(), self.format.as_str());
        if self.recorded_filters.is_empty() { what } else { format!("{what}, {}", self.recorded_filters.join(" ")) }
    }

    /// Reads `of`, `format` and `bom`, and the filters of the list. Reports all errors at once. `cutoffs` define what
    /// is overdue, until the end of the export.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        cutoffs: &Cutoffs,
    ) -> Result<Self, Vec<FieldError>> {
        let mut request = Self::default();
        let (mut errors, mut filters) = (Vec::new(), Vec::new());
        for (name, value) in pairs {
            let set = match name {
                "of" => pick(value, &Subject::ALL, Subject::as_str).map(|subject| request.subject = subject),
                "format" => pick(value, &Format::ALL, Format::as_str).map(|format| request.format = format),
                "bom" => {
                    let read = value.parse().map_err(|_| "must be true or false".to_owned());
                    read.map(|bom| request.byte_order_mark = bom)
                }
                "limit" | "cursor" => {
                    Err("is not allowed for exports, which contain everything that the filters admit".to_owned())
                }
                _ => {
                    filters.push((name, value));
                    Ok(())
                }
            };
            errors.extend(set.err().map(|detail| FieldError { pointer: format!("/{name}"), detail }));
        }
        request.recorded_filters = recorded_filters(filters.iter().copied());
        if request.subject == Subject::Audit {
            match AuditRequest::parse(filters) {
                Ok(audit) => request.audit = audit.filter,
                Err(more) => errors.extend(more),
            }
            return if errors.is_empty() { Ok(request) } else { Err(errors) };
        }
        match ListRequest::parse(filters, cutoffs) {
            Ok(list) => request.filter = list.filter,
            Err(more) => errors.extend(more),
        }
        let has_filters = matches!(request.subject, Subject::Messages | Subject::Failures | Subject::Notifications);
        if !has_filters && request.filter != Filter::default() {
            let detail = "filters are for messages, failures and notifications".to_owned();
            errors.push(FieldError { pointer: "/of".to_owned(), detail });
        }
        if errors.is_empty() { Ok(request) } else { Err(errors) }
    }
}

fn pick<T: Copy>(value: &str, all: &[T], word: impl Fn(T) -> &'static str) -> Result<T, String> {
    let words = || all.iter().map(|one| word(*one)).collect::<Vec<_>>().join(", ");
    all.iter().copied().find(|one| word(*one) == value).ok_or_else(|| format!("must be one of {}", words()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn pointers(pairs: &[(&str, &str)]) -> Vec<String> {
        let errors = ExportRequest::parse(pairs.iter().copied(), &Cutoffs::default()).err().unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_request_is_parsed_and_every_error_is_reported() {
        let cutoffs = Cutoffs { other: Timestamp::from_micros(9), ..Cutoffs::default() };
        let pairs =
            [("of", "failures"), ("format", "ndjson"), ("bom", "true"), ("channel", "sms"), ("overdue", "true")];
        let request = ExportRequest::parse(pairs, &cutoffs).unwrap();
        assert_eq!(
            (request.subject, request.format, request.byte_order_mark),
            (Subject::Failures, Format::Ndjson, true)
        );
        assert!(request.filter.channel.is_some());
        assert_eq!(request.filter.overdue, Some((true, cutoffs)));
        assert_eq!(
            pointers(&[("of", "x"), ("format", "xml"), ("limit", "1"), ("status", "?")]),
            ["/of", "/format", "/limit", "/status"]
        );
        assert_eq!(pointers(&[("of", "quarantine"), ("channel", "sms")]), ["/of"]);
        assert_eq!(pointers(&[("of", "audit"), ("channel", "sms")]), ["/channel"]);
        assert_eq!(pointers(&[("of", "audit"), ("actor", "shop"), ("action", "sent")]), Vec::<String>::new());
    }

    #[test]
    fn the_audit_log_records_the_filters_but_no_personal_data() {
        let pairs = [
            ("to", "+447700900123"),
            ("callbackData", "Ann*"),
            ("code", "447700900123"),
            ("status", "failed"),
            ("channel", "ann example"),
            ("since", "2026-05-20T00:00:00Z"),
        ];
        let details = ExportRequest::parse(pairs, &Cutoffs::default()).unwrap().details();
        assert_eq!(
            details,
            "messages as csv, to=(not recorded) callbackData=(not recorded) code=(not recorded) status=failed \
             channel=(not recorded) since=2026-05-20T00:00:00Z"
        );
        let audit = ExportRequest::parse([("of", "audit"), ("action", "sent")], &Cutoffs::default()).unwrap();
        assert_eq!(audit.details(), "audit as csv, action=sent");
    }
}
