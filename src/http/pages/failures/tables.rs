//! Adds up counts.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::{
    domain::{Dimension, Status},
    query::StatsRowView,
};

/// The statuses of messages that did not arrive, and will not.
const LOST: [Status; 3] = [Status::Failed, Status::Rejected, Status::Expired];

/// How many messages there are, and how many of them did not arrive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) all: i64,
    lost: [i64; LOST.len()],
}

impl Tally {
    fn add(&mut self, row: &StatsRowView) {
        self.all += row.count;
        for (count, status) in self.lost.iter_mut().zip(LOST) {
            if is(row, status) {
                *count += row.count;
            }
        }
    }

    /// The messages that did not arrive.
    pub(super) fn lost(&self) -> i64 {
        self.lost.iter().sum()
    }

    /// The same by their status.
    pub(super) fn by_status(&self) -> impl Iterator<Item = (Status, i64)> {
        LOST.into_iter().zip(self.lost)
    }
}

fn is(row: &StatsRowView, status: Status) -> bool {
    row.value(Dimension::Status) == Some(status.as_str())
}

/// Counts all messages.
pub(super) fn total(rows: &[StatsRowView]) -> Tally {
    let mut total = Tally::default();
    for row in rows {
        total.add(row);
    }
    total
}

/// Counts the messages for each value of a property.
pub(super) fn tallies(rows: &[StatsRowView], by: Dimension) -> BTreeMap<Option<&str>, Tally> {
    let mut tallies: BTreeMap<_, Tally> = BTreeMap::new();
    for row in rows {
        tallies.entry(row.value(by)).or_default().add(row);
    }
    tallies
}

/// Why messages did not arrive. Codes are reported by channel, and mean something for a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reason<'a> {
    pub(super) status: &'a str,
    pub(super) channel: Option<&'a str>,
    pub(super) code: Option<&'a str>,
}

/// Each reason with its count, the most frequent first.
pub(super) fn reasons(rows: &[StatsRowView]) -> Vec<(Reason<'_>, i64)> {
    let mut counts: BTreeMap<Reason<'_>, i64> = BTreeMap::new();
    for row in rows.iter().filter(|row| LOST.iter().any(|status| is(row, *status))) {
        let reason = Reason {
            status: row.value(Dimension::Status).unwrap_or_default(),
            channel: row.value(Dimension::Channel),
            code: row.value(Dimension::Code),
        };
        *counts.entry(reason).or_default() += row.count;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}

/// Each value of a property, the one with the most failures first.
pub(super) fn ranked(rows: &[StatsRowView], by: Dimension) -> Vec<(Option<&str>, Tally)> {
    let mut ranked: Vec<_> = tallies(rows, by).into_iter().collect();
    ranked.sort_by_key(|(_, tally)| Reverse(tally.lost()));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(day: &str, channel: &str, status: &str, code: Option<&str>, count: i64) -> StatsRowView {
        let by = [("day", Some(day)), ("channel", Some(channel)), ("status", Some(status)), ("code", code)];
        StatsRowView { by: by.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).into(), count }
    }

    fn rows() -> Vec<StatsRowView> {
        vec![
            row("2026-05-20", "sms", "failed", Some("7203"), 2),
            row("2026-05-21", "sms", "failed", Some("7203"), 3),
            row("2026-05-21", "sms", "failed", Some("7105"), 4),
            row("2026-05-21", "whatsapp", "rejected", None, 8),
            row("2026-05-21", "whatsapp", "read", Some("7502"), 100),
        ]
    }

    #[test]
    fn failures_are_added_up_by_reason() {
        let rows = rows();
        let reasons: Vec<_> = reasons(&rows).into_iter().map(|(reason, count)| (reason.code, count)).collect();
        assert_eq!(reasons, [(None, 8), (Some("7203"), 5), (Some("7105"), 4)]);
    }

    #[test]
    fn the_channel_with_the_most_failures_is_first() {
        let mut rows = rows();
        let order = |rows: &[StatsRowView]| -> Vec<_> {
            ranked(rows, Dimension::Channel)
                .into_iter()
                .map(|(channel, tally)| (channel.map(str::to_owned), tally.lost()))
                .collect()
        };
        assert_eq!(order(&rows), [(Some("sms".to_owned()), 9), (Some("whatsapp".to_owned()), 8)]);
        rows.push(row("2026-05-20", "whatsapp", "expired", None, 2));
        assert_eq!(order(&rows), [(Some("whatsapp".to_owned()), 10), (Some("sms".to_owned()), 9)]);
    }

    #[test]
    fn what_arrived_is_not_a_failure() {
        let rows = rows();
        assert_eq!((total(&rows).all, total(&rows).lost()), (117, 17));
        let days = tallies(&rows, Dimension::Day);
        assert_eq!((days[&Some("2026-05-20")].all, days[&Some("2026-05-21")].lost()), (2, 15));
        let by_status: Vec<_> = total(&rows).by_status().map(|(status, count)| (status.as_str(), count)).collect();
        assert_eq!(by_status, [("failed", 9), ("rejected", 8), ("expired", 0)]);
    }
}
