//! Counts of the messages that a filter admits.
//!
//! The counters distinguish channel, status, code, sender and hour. So counts can be filtered by these, and are exact. Another
//! filter is an error, since ignoring it would count more than was asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    Channel, Cutoffs, Dimension, FieldError, Filter, ListRequest, StatsRequest, StatsRow, Status, Timestamp,
};

/// Which messages to count, and by what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountRequest {
    pub(super) request: StatsRequest,
    status: Option<Status>,
    channel: Option<Channel>,
    code: Option<String>,
    sender: Option<String>,
}

/// The filters that the counters can answer, in addition to the period.
const FILTERS: [&str; 4] = ["status", "channel", "code", "from"];
const PARAMETERS: [&str; 3] = ["by", "since", "until"];

impl CountRequest {
    /// Parses names and values, and reports all errors at once.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<FieldError>> {
        let (mut parameters, mut filters, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        let mut given = BTreeSet::new();
        for (name, value) in pairs {
            let detail = if !given.insert(name) {
                "is given more than once".to_owned()
            } else if PARAMETERS.contains(&name) {
                parameters.push((name, value));
                continue;
            } else if !Dimension::distinguishes(name, value) {
                let longest = Dimension::LONGEST;
                format!("must have at most {longest} characters: counts do not distinguish longer ones")
            } else if FILTERS.contains(&name) {
                filters.push((name, value));
                continue;
            } else {
                let known = [&PARAMETERS[..], &FILTERS[..]].concat().join(", ");
                format!(
                    "is not a parameter of counts; the parameters are {known}. For other filters, count the rows of an export"
                )
            };
            errors.push(FieldError { pointer: format!("/{name}"), detail });
        }
        let request = StatsRequest::parse(parameters).unwrap_or_else(|more| {
            errors.extend(more);
            StatsRequest::default()
        });
        // None of these filters depends on the time.
        let list = ListRequest::parse(filters, &Cutoffs::default()).unwrap_or_else(|more| {
            errors.extend(more);
            ListRequest::default()
        });
        let Filter { status, channel, code, sender, .. } = list.filter;
        if errors.is_empty() { Ok(Self { request, status, channel, code, sender }) } else { Err(errors) }
    }

    /// The period: at or after the first time, and before the second.
    pub fn period(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        (self.request.since, self.request.until)
    }

    /// The same request, also by the properties that are filtered.
    pub(super) fn widened(&self) -> StatsRequest {
        let mut request = self.request.clone();
        let filtered = [
            (Dimension::Channel, self.channel.is_some()),
            (Dimension::Status, self.status.is_some()),
            (Dimension::Code, self.code.is_some()),
            (Dimension::From, self.sender.is_some()),
        ];
        for (dimension, _) in filtered.into_iter().filter(|(_, is_filtered)| *is_filtered) {
            if !request.by.contains(&dimension) {
                request.by.push(dimension);
            }
        }
        request
    }

    /// Of the counts for the widened request, those that were asked for.
    pub(super) fn narrowed(&self, rows: Vec<StatsRow>) -> Vec<StatsRow> {
        let admits = |row: &StatsRow| {
            self.channel.as_ref().is_none_or(|channel| row.channel.as_deref() == Some(channel.as_str()))
                && self.status.is_none_or(|status| row.status.as_deref() == Some(status.as_str()))
                && self.code.as_ref().is_none_or(|code| row.code.as_ref() == Some(code))
                && self.sender.as_ref().is_none_or(|sender| row.sender.as_ref() == Some(sender))
        };
        let is_by = |dimension| self.request.by.contains(&dimension);
        let mut counts: BTreeMap<_, i64> = BTreeMap::new();
        for row in rows.into_iter().filter(admits) {
            let channel = row.channel.filter(|_| is_by(Dimension::Channel));
            let status = row.status.filter(|_| is_by(Dimension::Status));
            let code = row.code.filter(|_| is_by(Dimension::Code));
            let sender = row.sender.filter(|_| is_by(Dimension::From));
            *counts.entry((row.begin, channel, status, code, sender)).or_default() += row.count;
        }
        let row =
            |((begin, channel, status, code, sender), count)| StatsRow { channel, status, code, sender, begin, count };
        counts.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(channel: &str, status: &str, code: Option<&str>, count: i64) -> StatsRow {
        let code = code.map(str::to_owned);
        StatsRow {
            channel: Some(channel.to_owned()),
            status: Some(status.to_owned()),
            code,
            sender: None,
            begin: None,
            count,
        }
    }

    #[test]
    fn counts_are_filtered_by_what_the_counters_distinguish() {
        let pairs = [("by", "channel"), ("status", "failed"), ("code", "7203")];
        let request = CountRequest::parse(pairs).unwrap();
        assert_eq!(request.widened().by, [Dimension::Channel, Dimension::Status, Dimension::Code]);
        let rows = vec![
            row("sms", "failed", Some("7203"), 2),
            row("sms", "failed", Some("7207"), 4),
            row("sms", "delivered", None, 8),
            row("mms", "failed", Some("7203"), 16),
        ];
        let counted: Vec<_> =
            request.narrowed(rows).into_iter().map(|row| (row.channel, row.status, row.count)).collect();
        assert_eq!(counted, [(Some("mms".to_owned()), None, 16), (Some("sms".to_owned()), None, 2)]);
    }

    #[test]
    fn without_filters_nothing_is_changed() {
        let request = CountRequest::parse([("by", "status")]).unwrap();
        assert_eq!(request.widened(), request.request);
        let rows = vec![
            StatsRow { channel: None, ..row("", "delivered", None, 8) },
            StatsRow { channel: None, ..row("", "failed", None, 4) },
        ];
        assert_eq!(request.narrowed(rows.clone()), rows);
    }

    #[test]
    fn every_error_is_reported() {
        let long = "7".repeat(64);
        let bad = [
            ("by", "colour"),
            ("status", "?"),
            ("code", &long),
            ("from", &long),
            ("to", "+447700900123"),
            ("since", "2026-05-20"),
            ("since", "2026-05-20"),
        ];
        let errors = CountRequest::parse(bad).unwrap_err();
        let mut pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/by", "/code", "/from", "/since", "/status", "/to"]);
    }
}
