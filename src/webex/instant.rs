//! The platform's time formats.

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone as _, Utc};

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

    /// An hour that comes twice is taken as the first one; an hour that is skipped, as the hour after it.
    fn resolve(self, local: NaiveDateTime) -> DateTime<Utc> {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
            LocalResult::None => {
                let later = local.checked_add_signed(TimeDelta::hours(1)).unwrap_or(local);
                self.0.from_local_datetime(&later).earliest().map_or_else(|| local.and_utc(), |at| at.to_utc())
            }
        }
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
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = TimeZone::UTC.read(&text);
        }
    }
}
