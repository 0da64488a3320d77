//! The period of the page: hours if it is short, and otherwise days in UTC.

use std::time::Duration;

use chrono::NaiveDate;
use maud::{Markup, html};

use crate::{
    domain::{Dimension, Timestamp},
    http::{pages::show, problem::Problem},
    query::CountRequest,
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// A period of at most this many hours is shown hour by hour.
const MOST_HOURS: u32 = 48;
/// A page with more days would be too long to read.
const MOST_DAYS: u32 = 366;

/// What a bar of the chart stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Hour,
    Day,
}

impl Step {
    /// The properties by which to count.
    pub(super) fn by(self) -> &'static str {
        match self {
            Self::Hour => "hour,channel,status,code",
            Self::Day => "day,channel,status,code",
        }
    }

    pub(super) fn dimension(self) -> Dimension {
        match self {
            Self::Hour => Dimension::Hour,
            Self::Day => Dimension::Day,
        }
    }

    pub(super) fn word(self) -> &'static str {
        self.dimension().as_str()
    }

    fn length(self) -> Duration {
        match self {
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }

    /// The beginning of the hour or of the day that contains `at`.
    fn beginning(self, at: Timestamp) -> Timestamp {
        match self {
            Self::Hour => at.to_hour(),
            Self::Day => Timestamp::parse_time_or_date(&at.day()).unwrap_or(at),
        }
    }

    /// The name of an hour or a day in counts.
    fn name(self, begin: Timestamp) -> String {
        match self {
            Self::Hour => begin.to_string(),
            Self::Day => begin.day(),
        }
    }
}

/// A period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) since: Timestamp,
    /// Messages after it are not shown. The end of this hour, unless another time was asked for.
    pub(super) until: Timestamp,
    pub(super) step: Step,
}

/// An hour or a day of the period.
pub(super) struct PartOf {
    /// Its name in counts.
    pub(super) name: String,
    step: Step,
    since: String,
    until: String,
}

impl Period {
    /// The period of a request whose beginning is known.
    pub(super) fn of(request: &CountRequest, now: Timestamp) -> Result<Self, Problem> {
        let (since, until) = request.period();
        let until = until.unwrap_or_else(|| now.to_hour().plus(HOUR));
        let since = since.unwrap_or(until);
        if until.since(since) > DAY * MOST_DAYS {
            let detail = format!(
                "must be at most {MOST_DAYS} days before the end of the period; for a longer one, use /v1/stats"
            );
            return Err(Problem::faulty_field("/since", detail));
        }
        let step = if until.since(since) <= HOUR * MOST_HOURS { Step::Hour } else { Step::Day };
        Ok(Self { since, until, step })
    }

    /// Its hours or days, in order. The first and the last day may be parts of a day.
    pub(super) fn steps(&self) -> Vec<PartOf> {
        let mut steps = Vec::new();
        let mut begin = self.step.beginning(self.since);
        while begin < self.until {
            let end = begin.plus(self.step.length());
            steps.push(PartOf {
                name: self.step.name(begin),
                step: self.step,
                since: begin.max(self.since).to_string(),
                until: end.min(self.until).to_string(),
            });
            begin = end;
        }
        steps
    }
}

impl PartOf {
    /// The filters of the list for its messages.
    pub(super) fn bounds(&self) -> [(&'static str, Option<&str>); 2] {
        [("since", Some(&self.since)), ("until", Some(&self.until))]
    }

    /// Renders its beginning. Days are those of UTC, in whatever zone the reader is.
    pub(super) fn title(&self) -> Markup {
        match (self.step, NaiveDate::parse_from_str(&self.name, "%Y-%m-%d")) {
            (Step::Day, Ok(day)) => html! { time datetime=(self.name) { (day.format("%a %-d %b %Y")) } },
            _ => show::time(&self.since),
        }
    }
}

/// The first of the last days, today among them, as the API has it.
pub(super) fn first_of_days(now: Timestamp, days: u32) -> String {
    now.minus(DAY * days.saturating_sub(1)).day()
}

/// The periods that the page offers, each with its beginning.
pub(super) fn offered(now: Timestamp) -> [(&'static str, String); 3] {
    let day = now.to_hour().minus(HOUR * 23).to_string();
    [("24 hours", day), ("7 days", first_of_days(now, 7)), ("28 days", first_of_days(now, 28))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(since: &str, until: &str) -> Period {
        let request = CountRequest::parse([("since", since), ("until", until)]).unwrap();
        Period::of(&request, Timestamp::from_micros(0)).unwrap()
    }

    fn names(period: &Period) -> Vec<String> {
        period.steps().into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_short_period_has_hours_and_a_long_one_days() {
        let short = period("2026-05-20T22:00:00Z", "2026-05-21T01:00:00Z");
        let hours = ["2026-05-20T22:00:00.000Z", "2026-05-20T23:00:00.000Z", "2026-05-21T00:00:00.000Z"];
        assert_eq!(names(&short), hours);
        let long = period("2026-05-20T22:00:00Z", "2026-05-23T01:00:00Z");
        assert_eq!(names(&long), ["2026-05-20", "2026-05-21", "2026-05-22", "2026-05-23"]);
        let bounds: Vec<_> =
            long.steps().iter().map(|day| day.bounds().map(|(_, at)| at.unwrap().to_owned())).collect();
        assert_eq!(bounds[0], ["2026-05-20T22:00:00.000Z", "2026-05-21T00:00:00.000Z"]);
        assert_eq!(bounds[3], ["2026-05-23T00:00:00.000Z", "2026-05-23T01:00:00.000Z"]);
        assert_eq!(names(&period("2026-05-20", "2026-05-20")), [""; 0]);
        assert_eq!(names(&period("2026-05-21", "2026-05-20")), [""; 0]);
    }

    #[test]
    fn a_period_has_at_most_a_year() {
        let request = CountRequest::parse([("since", "2025-01-01"), ("until", "2026-05-20")]).unwrap();
        assert!(Period::of(&request, Timestamp::from_micros(0)).is_err());
    }

    #[test]
    fn the_last_days_begin_at_midnight_in_utc() {
        let now = Timestamp::parse_rfc3339("2026-05-20T13:15:04Z").unwrap();
        assert_eq!(first_of_days(now, 7), "2026-05-14");
        let [(_, day), ..] = offered(now);
        assert_eq!(day, "2026-05-19T14:00:00.000Z");
    }
}
