//! What happens at the moment: the messages of the last hours against the usual level, and what needs attention.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::view::time;
use crate::{
    clock::Clock,
    domain::{
        AuditEntry, Channel, Dimension, Filter, PageLimit, StatsRequest, StatsRow, Status, Timestamp, Verification,
    },
    storage::{Glance, Messages, StorageError, Store},
    webex::codes,
};

/// The usual level is the mean of the same hours in this number of earlier weeks.
const WEEKS: u32 = 4;
const WEEK: Duration = Duration::from_hours(7 * 24);
/// The longest period.
const MOST_HOURS: u32 = 7 * 24;
/// How far messages and bodies without a counter are counted.
const COUNTED: u16 = PageLimit::MAX;
/// The number of codes.
const CODES: usize = 8;

/// An overview. Messages count at the time at which they were first known, as in the list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OverviewView {
    /// The beginning of the period.
    pub since: String,
    /// The end of the period: the end of this hour.
    pub until: String,
    /// All messages of the period.
    pub messages: LevelView,
    /// The messages of the period by their status.
    pub statuses: BTreeMap<String, LevelView>,
    /// The same for each channel.
    pub channels: Vec<ChannelView>,
    /// Each hour of the period.
    pub hours: Vec<HourView>,
    /// The most frequent codes of failed messages of the period.
    pub failures: Vec<FailureView>,
    /// All messages that are not final and older than the deadline of their channel.
    pub overdue: BoundedView,
    /// All messages that are unconfirmed.
    pub unconfirmed: i64,
    /// All bodies in quarantine.
    pub quarantine: BoundedView,
    /// When something last arrived for the first time.
    pub last_arrival_at: Option<String>,
    /// The last verification of the store that the audit log records.
    pub last_verification: Option<VerificationView>,
}

/// A verification of the whole store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationView {
    pub at: String,
    /// Whether everything matched the hash chain.
    pub sound: bool,
    /// Whether everything up to the head of an earlier verification was still there. Without such a head, a verification
    /// does not notice that the newest records were removed.
    pub earlier: bool,
    /// The first thing that did not match.
    pub finding: Option<String>,
}

impl VerificationView {
    fn of(entry: &AuditEntry) -> Self {
        let (earlier, finding) = match entry.details.as_deref().and_then(Verification::parse) {
            Some(Verification::Sound { earlier, .. }) => (earlier.is_some(), None),
            Some(Verification::Unsound(finding)) => (false, Some(finding)),
            None => (false, Some("the audit log does not say what was found".to_owned())),
        };
        Self { at: entry.at.to_string(), sound: finding.is_none(), earlier, finding }
    }
}

/// A count, and the usual one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LevelView {
    pub count: i64,
    /// The mean of the same hours in the last weeks; null if there were no messages.
    pub usual: Option<f64>,
}

/// A count up to a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundedView {
    pub count: i64,
    /// Whether there are more.
    pub more: bool,
}

/// The messages of a channel by their status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelView {
    pub channel: Option<String>,
    pub count: i64,
    pub statuses: BTreeMap<String, i64>,
    pub failed: LevelView,
}

/// The messages of an hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HourView {
    pub begin: String,
    pub messages: i64,
    pub failed: LevelView,
}

/// The failed messages with a code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureView {
    pub channel: Option<String>,
    pub code: Option<String>,
    /// What the code means, in words for everybody.
    pub meaning: Option<String>,
    pub count: i64,
    pub usual: Option<f64>,
}

/// The period of an overview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverviewHours(u32);

impl Default for OverviewHours {
    fn default() -> Self {
        Self(24)
    }
}

impl OverviewHours {
    /// Reads a number of hours.
    pub fn read(text: &str) -> Result<Self, String> {
        let hours = text.parse().ok().filter(|hours| (1..=MOST_HOURS).contains(hours));
        hours.map(Self).ok_or_else(|| format!("must be a number of hours from 1 to {MOST_HOURS}"))
    }

    /// The number of hours.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Makes overviews.
#[derive(Clone)]
pub struct Overview {
    messages: Arc<dyn Messages>,
    glance: Arc<dyn Glance>,
    clock: Clock,
}

impl Overview {
    /// Creates overviews of `store`.
    pub fn new(store: &Store, clock: Clock) -> Self {
        Self { messages: store.messages.clone(), glance: store.glance.clone(), clock }
    }

    /// Returns the overview of the last hours. `overdue` admits the messages that are overdue.
    pub async fn look(&self, hours: OverviewHours, overdue: Filter) -> Result<OverviewView, StorageError> {
        let until = self.clock.now().to_hour().plus(Duration::from_hours(1));
        let since = until.minus(Duration::from_hours(hours.0.into()));
        let by = vec![Dimension::Hour, Dimension::Channel, Dimension::Status, Dimension::Code];
        let period = async |back: Duration| {
            let (since, until) = (Some(since.minus(back)), Some(until.minus(back)));
            self.messages.stats(&StatsRequest { by: by.clone(), since, until }).await
        };
        let now = period(Duration::ZERO).await?;
        let mut before = Vec::new();
        for week in 1..=WEEKS {
            before.push(period(WEEK * week).await?);
        }
        let all = StatsRequest { by: vec![Dimension::Status], since: None, until: None };
        let all = self.messages.stats(&all).await?;
        let late = self.messages.list(&overdue, None, PageLimit::new(COUNTED).unwrap_or_default()).await?;
        let quarantined = self.glance.quarantined(u32::from(COUNTED) + 1).await?;
        let levels = Levels::of(&now, &before);
        Ok(OverviewView {
            since: since.to_string(),
            until: until.to_string(),
            messages: levels.level(|_| true),
            statuses: levels.by_status(),
            channels: levels.by_channel(),
            hours: levels.by_hour(since, hours),
            failures: levels.by_code(),
            overdue: BoundedView {
                count: i64::try_from(late.items.len()).unwrap_or(i64::MAX),
                more: late.next.is_some(),
            },
            unconfirmed: sum(&all, |row| is(row, Status::Unconfirmed)),
            quarantine: BoundedView { count: quarantined.min(COUNTED.into()), more: quarantined > COUNTED.into() },
            last_arrival_at: time(self.glance.last_arrival().await?),
            last_verification: self.glance.last_verification().await?.as_ref().map(VerificationView::of),
        })
    }
}

/// The counts of a period, and of the same hours in the weeks before that have messages.
struct Levels<'a> {
    now: &'a [StatsRow],
    before: Vec<(Duration, &'a [StatsRow])>,
}

impl<'a> Levels<'a> {
    fn of(now: &'a [StatsRow], before: &'a [Vec<StatsRow>]) -> Self {
        let weeks = (1..).zip(before).filter(|(_, rows)| !rows.is_empty());
        Self { now, before: weeks.map(|(week, rows)| (WEEK * week, rows.as_slice())).collect() }
    }

    fn level(&self, counts: impl Fn(&StatsRow) -> bool) -> LevelView {
        LevelView { count: sum(self.now, &counts), usual: self.usual(|row, _| counts(row)) }
    }

    /// The mean of the weeks before, to one decimal place. The condition gets by how much the week lies back.
    fn usual(&self, counts: impl Fn(&StatsRow, Duration) -> bool) -> Option<f64> {
        let total: i64 = self.before.iter().map(|(back, rows)| sum(rows, |row| counts(row, *back))).sum();
        let weeks = i64::try_from(self.before.len()).ok().filter(|weeks| *weeks > 0)?;
        // Tenths, rounded: whole numbers, so that the sum is exact.
        let tenths = (total.saturating_mul(20) + weeks) / (2 * weeks);
        i32::try_from(tenths).ok().map(|tenths| f64::from(tenths) / 10.0)
    }

    fn by_status(&self) -> BTreeMap<String, LevelView> {
        let all = self.before.iter().flat_map(|(_, rows)| *rows).chain(self.now);
        let statuses: std::collections::BTreeSet<_> = all.filter_map(|row| row.status.clone()).collect();
        let level = |status: String| {
            let level = self.level(|row| row.status.as_ref() == Some(&status));
            (status, level)
        };
        statuses.into_iter().map(level).collect()
    }

    fn by_channel(&self) -> Vec<ChannelView> {
        let channels: std::collections::BTreeSet<_> = self.now.iter().map(|row| row.channel.clone()).collect();
        let view = |channel: Option<String>| {
            let of_channel = |row: &StatsRow| row.channel == channel;
            let mut statuses = BTreeMap::new();
            for row in self.now.iter().filter(|row| of_channel(row)) {
                *statuses.entry(row.status.clone().unwrap_or_default()).or_default() += row.count;
            }
            let failed = self.level(|row| of_channel(row) && is(row, Status::Failed));
            ChannelView { count: sum(self.now, of_channel), statuses, failed, channel: channel.clone() }
        };
        let mut channels: Vec<_> = channels.into_iter().map(view).collect();
        channels.sort_by_key(|channel| std::cmp::Reverse(channel.count));
        channels
    }

    fn by_hour(&self, since: Timestamp, hours: OverviewHours) -> Vec<HourView> {
        let view = |hour: u32| {
            let begin = since.plus(Duration::from_hours(hour.into()));
            let in_hour = |row: &StatsRow, back| row.begin == Some(begin.minus(back));
            let has_failed = |row: &StatsRow, back| in_hour(row, back) && is(row, Status::Failed);
            HourView {
                begin: begin.to_string(),
                messages: sum(self.now, |row| in_hour(row, Duration::ZERO)),
                failed: LevelView {
                    count: sum(self.now, |row| has_failed(row, Duration::ZERO)),
                    usual: self.usual(has_failed),
                },
            }
        };
        (0..hours.0).map(view).collect()
    }

    fn by_code(&self) -> Vec<FailureView> {
        let failed = self.now.iter().filter(|row| is(row, Status::Failed));
        let kinds: std::collections::BTreeSet<_> = failed.map(|row| (row.channel.clone(), row.code.clone())).collect();
        let view = |(channel, code): (Option<String>, Option<String>)| {
            let level = self.level(|row| row.channel == channel && row.code == code && is(row, Status::Failed));
            let known = channel.as_deref().map(Channel::from_name);
            let meaning = code.as_deref().and_then(|code| codes::find(known.as_ref(), code));
            let meaning = meaning.map(|code| code.sentence.to_owned());
            FailureView { channel, code, meaning, count: level.count, usual: level.usual }
        };
        let mut failures: Vec<_> = kinds.into_iter().map(view).collect();
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
        failures.truncate(CODES);
        failures
    }
}

fn is(row: &StatsRow, status: Status) -> bool {
    row.status.as_deref() == Some(status.as_str())
}

fn sum(rows: &[StatsRow], counts: impl Fn(&StatsRow) -> bool) -> i64 {
    rows.iter().filter(|row| counts(row)).map(|row| row.count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(hour: i64, status: &str, code: &str, count: i64) -> StatsRow {
        StatsRow {
            channel: Some("sms".to_owned()),
            status: Some(status.to_owned()),
            code: Some(code.to_owned()),
            sender: None,
            begin: Some(Timestamp::from_micros(hour * Timestamp::HOUR)),
            count,
        }
    }

    const WEEK_HOURS: i64 = 7 * 24;

    #[test]
    fn a_count_is_compared_with_the_mean_of_the_weeks_that_have_messages() {
        let now = [row(1000, "failed", "7203", 9), row(1001, "delivered", "7500", 100)];
        let before = [
            vec![row(1000 - WEEK_HOURS, "failed", "7203", 2), row(1001 - WEEK_HOURS, "failed", "7105", 1)],
            vec![],
            vec![row(1001 - 3 * WEEK_HOURS, "delivered", "7500", 50)],
            vec![],
        ];
        let levels = Levels::of(&now, &before);
        assert_eq!(levels.level(|_| true), LevelView { count: 109, usual: Some(26.5) });
        assert_eq!(levels.by_status()["failed"], LevelView { count: 9, usual: Some(1.5) });
        let since = Timestamp::from_micros(1000 * Timestamp::HOUR);
        let hours = levels.by_hour(since, OverviewHours(2));
        assert_eq!(hours[0].failed, LevelView { count: 9, usual: Some(1.0) });
        assert_eq!((hours[1].messages, hours[1].failed), (100, LevelView { count: 0, usual: Some(0.5) }));
        let failure = &levels.by_code()[0];
        assert_eq!((failure.code.as_deref(), failure.count, failure.usual), (Some("7203"), 9, Some(1.0)));
        assert_eq!(failure.meaning.as_deref(), Some("this number does not exist."));
    }

    #[test]
    fn without_earlier_messages_nothing_is_usual() {
        let now = [row(1000, "failed", "7203", 9)];
        let before = [vec![], vec![], vec![], vec![]];
        let levels = Levels::of(&now, &before);
        assert_eq!(levels.level(|_| true), LevelView { count: 9, usual: None });
        assert_eq!(levels.by_channel()[0].failed.usual, None);
    }

    #[test]
    fn the_period_has_limits() {
        assert_eq!(OverviewHours::read("168").map(OverviewHours::get), Ok(168));
        for bad in ["", "0", "169", "-1", "a", "1.5"] {
            assert!(OverviewHours::read(bad).is_err(), "{bad}");
        }
    }
}
