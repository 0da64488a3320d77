//! Times of events. The platform documents three formats. The others are formats that programs between the platform and
//! receiptd are known to write.
//!
//! | Format | Example |
//! | --- | --- |
//! | ISO 8601 with an offset, with `Z`, or with neither | `2026-05-20T14:15:04.749+01:00` |
//! | as above, with a blank before the time, without seconds, with a comma before the fraction | `2026-05-20 14:15` |
//! | as above, with the name of a time zone in brackets (Java, RFC 9557) | `2026-05-20T14:15:04.749+01:00[Europe/London]` |
//! | digits only | `20260520141504` |
//! | RFC 2822 | `Wed, 20 May 2026 14:15:04 +0100` |
//! | seconds, milliseconds, microseconds or nanoseconds since 1970 | `1779282904749` |

use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use receiptd_domain::Timestamp;

/// The time zone of the tenant's clock. A time without a zone, as in older formats, is read in this zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(chrono_tz::Tz);

/// From 1970 to the end of 9999, in microseconds. A time outside this range is a misunderstanding, since no event has
/// one.
const READABLE: RangeInclusive<i64> = 0..=253_402_300_799_999_999;

impl TimeZone {
    pub const UTC: Self = Self(chrono_tz::Tz::UTC);

    /// The zone with this IANA name, for example `Europe/London`.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Reads a time of a notification. `None` if its format is unknown, or if it is not within the years 1970 to 9999.
    pub(super) fn read(self, text: &str) -> Option<Timestamp> {
        let (text, zone) = without_brackets(text.trim());
        let rfc2822 = |text| DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc());
        let iso = |text| self.iso(text, zone);
        let calendar = || iso(text).or_else(|| rfc2822(text)).map(|at| at.timestamp_micros());
        let micros = digits_only(text).map(|local| self.resolve(local).timestamp_micros()).or_else(|| since_1970(text));
        micros.or_else(calendar).filter(|micros| READABLE.contains(micros)).map(Timestamp::from_micros)
    }

    /// ISO 8601. A time without an offset is in `zone`, which may be an unknown name.
    fn iso(self, text: &str, zone: Option<&str>) -> Option<DateTime<Utc>> {
        let (date, rest) = text.split_at_checked(10)?;
        let date = calendar_date(date)?;
        let time = rest.strip_prefix(['T', 't']).or_else(|| rest.starts_with(char::is_whitespace).then_some(rest))?;
        let (time, rest) = clock_time(time.trim_start())?;
        let local = date.and_time(time);
        match (rest.trim(), zone) {
            ("", Some("Z" | "z")) => Some(local.and_utc()),
            ("", Some(name)) => Some(Self::from_name(name)?.resolve(local)),
            ("", None) => Some(self.resolve(local)),
            (text, _) => Some(local.checked_sub_signed(offset(text)?)?.and_utc()),
        }
    }

    /// If a local time occurs twice, when clocks go back, the first one is used. If it does not exist, when clocks go
    /// forward, it is read as if the clock had not been changed yet.
    fn resolve(self, local: NaiveDateTime) -> DateTime<Utc> {
        let read = |local: NaiveDateTime| self.0.from_local_datetime(&local).earliest().map(|at| at.to_utc());
        // Samoa skipped a whole day.
        let before = |day: TimeDelta| Some(read(local.checked_sub_signed(day)?)? + day);
        read(local).or_else(|| before(TimeDelta::days(2))).unwrap_or_else(|| local.and_utc())
    }
}

/// The text before the brackets, and the time zone in them. The brackets may contain other things too, such as a
/// calendar.
fn without_brackets(text: &str) -> (&str, Option<&str>) {
    let Some((before, inside)) = text.strip_suffix(']').and_then(|text| text.split_once('[')) else {
        return (text, None);
    };
    let zone = inside.split("][").map(|tag| tag.trim_start_matches('!')).find(|tag| !tag.contains('='));
    (before.trim_end(), zone)
}

/// `2026-05-20`.
fn calendar_date(text: &str) -> Option<NaiveDate> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    NaiveDate::from_ymd_opt(number(year, 4)?.try_into().ok()?, number(month, 2)?, number(day, 2)?)
}

/// `14:15`, `14:15:04` or `14:15:04.749`, and the rest of the text.
fn clock_time(text: &str) -> Option<(chrono::NaiveTime, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !":.,".contains(c)).unwrap_or(text.len());
    let (time, rest) = text.split_at(end);
    let (time, fraction) = time.split_once(['.', ',']).map_or((time, None), |(time, digits)| (time, Some(digits)));
    let (hour, rest_of_time) = time.split_once(':')?;
    let (minute, second) =
        rest_of_time.split_once(':').map_or((rest_of_time, "00"), |(minute, second)| (minute, second));
    let nanos = fraction.map_or(Some(0), nanos)?;
    // A leap second repeats the last second, as in chrono.
    let (second, nanos) = match number(second, 2)? {
        60 => (59, nanos + 1_000_000_000),
        second => (second, nanos),
    };
    let time = chrono::NaiveTime::from_hms_nano_opt(number(hour, 2)?, number(minute, 2)?, second, nanos)?;
    Some((time, rest))
}

fn nanos(fraction: &str) -> Option<u32> {
    let is_number = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("{fraction:0<9}").get(..9)?.parse().ok()).flatten()
}

/// `Z`, `+01:00`, `+0100`, `+01` or `+1:00`.
fn offset(text: &str) -> Option<TimeDelta> {
    if ["Z", "UTC", "GMT"].iter().any(|name| name.eq_ignore_ascii_case(text)) {
        return Some(TimeDelta::zero());
    }
    let (sign, digits) = match text.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, text.strip_prefix(['-', '\u{2212}'])?),
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(parts), _) => parts,
        (None, 3..=4) => digits.split_at_checked(digits.len() - 2)?,
        (None, _) => (digits, "00"),
    };
    let (hours, minutes) = (number(hours, 2).or_else(|| number(hours, 1))?, number(minutes, 2)?);
    (hours < 24 && minutes < 60).then(|| TimeDelta::minutes(sign * i64::from(hours * 60 + minutes)))
}

/// A number with exactly this many digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// `20260520141504`, by the tenant's clock. As milliseconds since 1970 it would be in the year 2612.
fn digits_only(text: &str) -> Option<NaiveDateTime> {
    let is_of_our_time = text.len() == 14 && (text.starts_with("19") || text.starts_with("20"));
    let parse = || NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S").ok();
    (is_of_our_time && text.bytes().all(|byte| byte.is_ascii_digit())).then(parse).flatten()
}

/// A time since 1970 in microseconds. The size of the number decides its unit: `1779282904`, `1779282904.749`,
/// `1779282904749`, `1.779282904749E12`.
fn since_1970(text: &str) -> Option<i64> {
    /// The limit between seconds and milliseconds: the year 5138 in seconds, March 1973 in milliseconds. Each further
    /// unit is a thousandth.
    const SECONDS: i128 = 100_000_000_000;
    /// Longer numbers are not times.
    const LONGEST: usize = 40;
    if text.len() > LONGEST {
        return None;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok().filter(|exponent| (-30..=30).contains(exponent))?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = exponent - i32::try_from(fraction.len()).ok()?;
    let size = scaled(digits, scale)?;
    let power = match size {
        0..SECONDS => 6,
        _ if size < SECONDS * 2_540 => 3,
        _ if size < SECONDS * 2_540_000 => 0,
        _ => -3,
    };
    scaled(digits, scale + power)?.try_into().ok()
}

/// A number times a power of ten, without its fraction.
fn scaled(number: i128, power: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(power.unsigned_abs());
    if power < 0 { Some(factor.map_or(0, |factor| number / factor)) } else { number.checked_mul(factor?) }
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
    }

    #[test]
    fn an_iso_time_is_read_in_all_variants_of_programs() {
        for text in [
            "2026-05-20T14:15:04.749+01:00",
            " 2026-05-20t13:15:04.749z\n",
            "2026-05-20 13:15:04.749 UTC",
            "2026-05-20  13:15:04,749 Z",
            "2026-05-20T13:15:04.749000000123",
            "2026-05-20T14:15:04.749+0100",
            "2026-05-20T14:15:04.749 +01",
            "2026-05-20T14:15:04.749+1:00",
            "2026-05-20T12:15:04.749\u{2212}01:00",
            "2026-05-20T14:15:04.749+01:00[Europe/London]",
            "2026-05-20T14:15:04.749[Europe/London]",
            "2026-05-20T14:15:04.749+01:00[No/Where]",
            "2026-05-20T14:15:04.749[!Europe/London][u-ca=gregory]",
            "2026-05-20T13:15:04.749Z[UTC]",
            "2026-05-20T13:15:04.749[Z]",
        ] {
            assert_eq!(read("UTC", text), "2026-05-20T13:15:04.749Z", "{text:?}");
        }
        assert_eq!(read("UTC", "2026-05-20T13:15"), "2026-05-20T13:15:00.000Z");
        assert_eq!(read("Asia/Kolkata", "2026-05-20 18:45:04"), "2026-05-20T13:15:04.000Z");
        // The zone in brackets applies to a time without an offset. An offset has priority over it.
        assert_eq!(read("Asia/Kolkata", "2026-05-20T14:15:04[Europe/London]"), "2026-05-20T13:15:04.000Z");
        assert_eq!(read("UTC", "2026-05-20T14:15:04+02:00[Europe/London]"), "2026-05-20T12:15:04.000Z");
        assert_eq!(read("UTC", "2016-12-31T23:59:60Z"), "2017-01-01T00:00:00.000Z");
    }

    #[test]
    fn rfc_2822_and_digits_are_read() {
        assert_eq!(read("UTC", "Wed, 20 May 2026 14:15:04 +0100"), "2026-05-20T13:15:04.000Z");
        assert_eq!(read("UTC", "20 May 2026 13:15:04 GMT"), "2026-05-20T13:15:04.000Z");
        assert_eq!(read("Asia/Kolkata", "20260520184504"), "2026-05-20T13:15:04.000Z");
    }

    #[test]
    fn the_size_of_a_number_decides_its_unit() {
        for text in [
            "1779282904749",
            "1779282904.749",
            "1.779282904749E12",
            "1779282904749.0",
            "1779282904749123",
            "1779282904749123456",
        ] {
            assert_eq!(read("Asia/Kolkata", text), "2026-05-20T13:15:04.749Z", "{text}");
        }
        assert_eq!(read("UTC", "1779282904"), "2026-05-20T13:15:04.000Z");
        assert_eq!(read("UTC", "0"), "1970-01-01T00:00:00.000Z");
        assert_eq!(read("UTC", "99999999999"), "5138-11-16T09:46:39.000Z");
        assert_eq!(read("UTC", "253402300799999"), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn only_times_from_1970_to_9999_are_read() {
        for text in [
            "",
            "yesterday",
            "2026-05-20",
            "20/05/2026 13:15",
            "13:15:04",
            "2026-05-20T13",
            "2026-05-20T25:00:00Z",
            "2026-02-30T13:15:04Z",
            "2026-05-20T13:15:04.Z",
            "2026-05-20T13:15:04+25:00",
            "2026-05-20T13:15:04 IST",
            "2026-05-20T13:15:04[No/Where]",
            "2026-05-20T13:15:04+01:00 x",
            "2026-5-20T13:15:04Z",
            "26-05-20T13:15:04Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:30:00+01:00",
            "0001-01-01T00:00:00Z",
            "0000-00-00T00:00:00",
            "9999-12-31T23:59:59-01:00",
            "10000-01-01T00:00:00Z",
            "+12026-05-20T13:15:04Z",
            "-1",
            "-2026-05-20T13:15:04Z",
            "1e30",
            "1e-40",
            "1e",
            ".5",
            "NaN",
            "253402300800000000000",
            "\u{FF11}779282904",
            "2026\u{2010}05\u{2010}20T13:15:04Z",
        ] {
            assert_eq!(read("UTC", text), "-", "{text:?}");
        }
        assert_eq!(read("UTC", "1970-01-01T00:00:00Z"), "1970-01-01T00:00:00.000Z");
        assert_eq!(read("UTC", "9999-12-31T23:59:59.999Z"), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn times_during_a_clock_change_are_read() {
        // Clocks in London went from 01:00 to 02:00 on 29 March 2026 and from 02:00 to 01:00 on 25 October 2026.
        assert_eq!(read("Europe/London", "2026-03-29T01:30:00"), "2026-03-29T01:30:00.000Z");
        assert_eq!(read("Europe/London", "2026-10-25T01:30:00"), "2026-10-25T00:30:00.000Z");
        // By half an hour on Lord Howe Island, by a day in Samoa, which moved to the other side of the date line.
        assert_eq!(read("Australia/Lord_Howe", "2026-10-04T02:15:00"), "2026-10-03T15:45:00.000Z");
        assert_eq!(read("Pacific/Apia", "2011-12-30T12:00:00"), "2011-12-30T22:00:00.000Z");
    }

    fn a_zone() -> impl Strategy<Value = chrono_tz::Tz> {
        proptest::sample::select(chrono_tz::TZ_VARIANTS.as_slice())
    }

    proptest! {
        /// The time that the tenant's clock shows is read as its instant. If a local time occurs twice, it is read as
        /// the first one.
        #[test]
        fn local_times_are_read_as_their_instants(zone in a_zone(), seconds in 0..2_145_916_800_i64) {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            let shown = at.with_timezone(&zone).naive_local();
            let read = TimeZone(zone).resolve(shown);
            prop_assert_eq!(read.with_timezone(&zone).naive_local(), shown);
            prop_assert!(read <= at && at - read < TimeDelta::days(2));
        }

        /// An instant is read equally in every format.
        #[test]
        fn every_format_of_an_instant_gives_the_same_timestamp(millis in 300_000_000_000_i64..4_102_444_800_000, minutes in -1439..1440_i32) {
            let at = DateTime::from_timestamp_millis(millis).unwrap();
            let expected = Some(Timestamp::from(at));
            let shown = at.with_timezone(&chrono::FixedOffset::east_opt(minutes * 60).unwrap());
            for format in ["%Y-%m-%dT%H:%M:%S%.3f%:z", "%Y-%m-%d %H:%M:%S%.3f %z", "%Y-%m-%dT%H:%M:%S,%3f%:z[Europe/London]"] {
                let text = shown.format(format).to_string();
                prop_assert_eq!(TimeZone::UTC.read(&text), expected, "{}", text);
            }
            let seconds = Timestamp::from(DateTime::from_timestamp(at.timestamp(), 0).unwrap());
            for text in [shown.to_rfc2822(), at.timestamp().to_string(), at.format("%Y-%m-%dT%H:%M:%S").to_string()] {
                prop_assert_eq!(TimeZone::UTC.read(&text), Some(seconds), "{}", text);
            }
            prop_assert_eq!(TimeZone::UTC.read(&millis.to_string()), expected);
            prop_assert_eq!(TimeZone::UTC.read(&format!("{millis}000")), expected);
            prop_assert_eq!(TimeZone::UTC.read(&format!("{}.{:03}", millis / 1000, millis % 1000)), expected);
        }

        #[test]
        fn no_text_causes_a_panic_or_a_time_out_of_range(
            text in prop_oneof![".*", "[0-9]{1,24}", "[0-9TZ:.,+e\\[\\] -]{0,32}", "2026-05-20T[0-9:.+-]{0,16}"]
        ) {
            if let Some(at) = TimeZone::UTC.read(&text) {
                prop_assert!(READABLE.contains(&at.as_micros()), "{}: {:?}", text, at);
            }
        }
    }
}
