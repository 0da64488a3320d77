//! Instants.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

/// An instant in microseconds since 1970-01-01T00:00:00Z. Both databases store this number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// An hour in microseconds.
    pub const HOUR: i64 = 3_600_000_000;

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with any offset.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self::from(at.to_utc()))
    }

    /// Reads RFC 3339, or a date, which means its beginning in UTC.
    pub fn parse_time_or_date(text: &str) -> Option<Self> {
        Self::parse_rfc3339(text).or_else(|| {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == "2026-05-20".len())?;
            Some(Self::from(date.and_time(NaiveTime::MIN).and_utc()))
        })
    }

    /// Like [`Timestamp::parse_time_or_date`], or relative to `now`: `now`, `today` and `yesterday` (the beginning of
    /// the day in UTC), or an age such as `90s`, `15m`, `24h`, `7d`, `2w`.
    pub fn parse_relative(text: &str, now: Self) -> Option<Self> {
        const DAY: std::time::Duration = std::time::Duration::from_hours(24);
        match text {
            "now" => return Some(now),
            "today" => return Self::parse_time_or_date(&now.day()),
            "yesterday" => return Self::parse_time_or_date(&now.minus(DAY).day()),
            _ => {}
        }
        Self::parse_time_or_date(text).or_else(|| {
            let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
            let seconds = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3_600,
                "d" => 86_400,
                "w" => 604_800,
                _ => return None,
            };
            let number: u32 = number.parse().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()))?;
            Some(now.minus(std::time::Duration::from_secs(u64::from(number) * seconds)))
        })
    }

    /// The beginning of the hour that contains this instant.
    #[must_use]
    pub fn to_hour(self) -> Self {
        Self(self.hour().saturating_mul(Self::HOUR))
    }

    /// This instant plus `duration`, limited to the latest instant.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This instant minus `duration`, limited to the earliest instant.
    #[must_use]
    pub fn minus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This instant, rounded down to a millisecond.
    #[must_use]
    pub fn to_millisecond(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1000))
    }

    /// The hour that contains this instant, counted from 1970.
    pub fn hour(self) -> i64 {
        self.0.div_euclid(Self::HOUR)
    }

    /// The day in UTC, as in 2026-05-20.
    pub fn day(self) -> String {
        self.to_string().split('T').next().unwrap_or_default().to_owned()
    }

    /// The time from `earlier` to this instant. Zero if this instant is not later.
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros())
    }
}

/// RFC 3339 in UTC with milliseconds, the form of the API.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp_micros(self.0) {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true)),
            // Outside the calendar of the library, which ends in the year 262,142.
            None => write!(f, "@{}", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_turned_into_utc_with_milliseconds() {
        let at = Timestamp::parse_rfc3339("2026-05-20T14:15:04.749+01:00").unwrap();
        assert_eq!(at.to_string(), "2026-05-20T13:15:04.749Z");
    }

    #[test]
    fn a_time_may_be_a_date_a_word_or_an_age() {
        let now = Timestamp::parse_rfc3339("2026-05-20T13:15:04.749Z").unwrap();
        for (text, at) in [
            ("2026-05-20T14:15:04+01:00", "2026-05-20T13:15:04.000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
            ("now", "2026-05-20T13:15:04.749Z"),
            ("today", "2026-05-20T00:00:00.000Z"),
            ("yesterday", "2026-05-19T00:00:00.000Z"),
            ("90s", "2026-05-20T13:13:34.749Z"),
            ("15m", "2026-05-20T13:00:04.749Z"),
            ("24h", "2026-05-19T13:15:04.749Z"),
            ("7d", "2026-05-13T13:15:04.749Z"),
            ("2w", "2026-05-06T13:15:04.749Z"),
        ] {
            let read = Timestamp::parse_relative(text, now).map(|at| at.to_string());
            assert_eq!(read.as_deref(), Some(at), "{text}");
        }
        for text in
            ["", "h", "-1h", "+1h", "1", "24 h", "1y", "99999999999d", "2026-02-30", "2026-5-1", "20260520", "ä"]
        {
            assert_eq!(Timestamp::parse_relative(text, now), None, "{text}");
        }
        assert_eq!(Timestamp::parse_time_or_date("24h"), None);
        assert_eq!(now.to_hour().to_string(), "2026-05-20T13:00:00.000Z");
    }

    #[test]
    fn arithmetic_is_limited_to_the_range_of_timestamps() {
        assert_eq!(Timestamp::from_micros(i64::MAX).plus(std::time::Duration::MAX).as_micros(), i64::MAX);
        assert_eq!(Timestamp::from_micros(5).since(Timestamp::from_micros(9)).as_micros(), 0);
    }
}
