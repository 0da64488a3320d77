//! The platform's time formats.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone as _, Utc};

use crate::domain::Timestamp;

/// The time zone in which the tenant's clock runs. A time without zone, as older shapes have it, is read in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(chrono_tz::Tz);

impl TimeZone {
    /// UTC.
    pub const UTC: Self = Self(chrono_tz::Tz::UTC);

    /// By its IANA name, for instance `Europe/London`.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// Reads a time of a notification: with offset, with `Z`, or with neither. `None` if it is none of these.
    pub(super) fn read(self, text: &str) -> Option<Timestamp> {
        const WITH_OFFSET: &str = "%Y-%m-%dT%H:%M:%S%.f%#z";
        const WITHOUT: &str = "%Y-%m-%dT%H:%M:%S%.f";
        let text = text.trim();
        Timestamp::parse_rfc3339(text)
            .or_else(|| DateTime::parse_from_str(text, WITH_OFFSET).ok().map(|at| at.to_utc().into()))
            .or_else(|| NaiveDateTime::parse_from_str(text, WITHOUT).ok().map(|local| self.resolve(local).into()))
    }

    /// A time that comes twice, as when clocks go back, is taken as the first of the two; one that is skipped, as by a
    /// clock that nobody has put forward yet.
    fn resolve(self, local: NaiveDateTime) -> DateTime<Utc> {
        let read = |local: NaiveDateTime| self.0.from_local_datetime(&local).earliest().map(|at| at.to_utc());
        // Samoa skipped a whole day.
        let before = |day: TimeDelta| Some(read(local.checked_sub_signed(day)?)? + day);
        read(local).or_else(|| before(TimeDelta::days(2))).unwrap_or_else(|| local.and_utc())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(zone: &str, text: &str) -> String {
        TimeZone::from_name(zone).unwrap().read(text).map_or_else(|| "-".to_owned(), |at| at.to_string())
    }

    #[test]
    fn the_three_formats_are_read() {
        assert_eq!(read("UTC", "2026-05-08T16:42:13.217+05:30"), "2026-05-08T11:12:13.217Z");
        assert_eq!(read("Asia/Kolkata", "2026-05-08T16:42:13.217Z"), "2026-05-08T16:42:13.217Z");
        assert_eq!(read("UTC", "2016-07-21T12:44:23.644"), "2016-07-21T12:44:23.644Z");
        assert_eq!(read("Asia/Kolkata", "2016-07-21T12:44:23.644"), "2016-07-21T07:14:23.644Z");
        assert_eq!(read("UTC", "2026-05-08T16:42:13.217+0530"), "2026-05-08T11:12:13.217Z");
        assert_eq!(read("UTC", "yesterday"), "-");
    }

    #[test]
    fn the_hours_of_a_clock_change_are_read() {
        // Clocks in London went from 01:00 to 02:00 on 29 March 2026 and from 02:00 to 01:00 on 25 October 2026.
        assert_eq!(read("Europe/London", "2026-03-29T01:30:00"), "2026-03-29T01:30:00.000Z");
        assert_eq!(read("Europe/London", "2026-10-25T01:30:00"), "2026-10-25T00:30:00.000Z");
        // By half an hour on Lord Howe Island, by a day in Samoa, which went over to the other side of the date line.
        assert_eq!(read("Australia/Lord_Howe", "2026-10-04T02:15:00"), "2026-10-03T15:45:00.000Z");
        assert_eq!(read("Pacific/Apia", "2011-12-30T12:00:00"), "2011-12-30T22:00:00.000Z");
    }

    fn a_zone() -> impl Strategy<Value = chrono_tz::Tz> {
        proptest::sample::select(chrono_tz::TZ_VARIANTS.as_slice())
    }

    proptest! {
        /// What the tenant's clock shows is read as the instant at which it showed it, or, of an hour that comes twice,
        /// as the first one.
        #[test]
        fn what_a_clock_shows_is_read(zone in a_zone(), seconds in 0..2_145_916_800_i64) {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            let shown = at.with_timezone(&zone).naive_local();
            let read = TimeZone(zone).resolve(shown);
            prop_assert_eq!(read.with_timezone(&zone).naive_local(), shown);
            prop_assert!(read <= at && at - read < TimeDelta::days(2));
        }

        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = TimeZone::UTC.read(&text);
        }
    }
}
