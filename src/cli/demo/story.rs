//! The story of the demo: three days of traffic and the same day a week ago, played within seconds. The clock of the server and
//! of the simulated platform is set to each hour in turn, and ends at the real time.

use std::{
    ops::Range,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Timelike, Utc};

use crate::{
    clock::{Clock, wall},
    simulator::Outage,
};

/// By how many microseconds the clock of the demo is behind. The simulator takes a function, which contains nothing.
static BEHIND: AtomicI64 = AtomicI64::new(0);

/// An hour of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hour {
    /// How long ago it was.
    pub(super) ago: u32,
    /// The messages that are sent in it.
    pub(super) messages: Range<u64>,
}

/// The same hours a week ago, which are the usual level, and the last three days.
const HOURS: [Range<u32>; 2] = [168..192, 0..72];
/// The hours in which an operator fails.
const OUTAGE: Range<u32> = 4..6;
/// The beginnings of the numbers of its subscribers: most of those in `traffic`.
const SUBSCRIBERS: [&str; 7] =
    ["4477009000", "4477009001", "4477009002", "4477009003", "4477009004", "4477009005", "4477009006"];
/// Delivery failed at Operator.
const OPERATOR_FAILED: &str = "7201";

/// The time of the demo.
pub(super) fn now() -> DateTime<Utc> {
    wall() - TimeDelta::microseconds(BEHIND.load(Ordering::Relaxed))
}

/// The same for the server.
pub(super) fn clock() -> Clock {
    Clock::new(|| now().into())
}

/// Sets the clock of the demo to an hour.
pub(super) fn set_clock(hour: &Hour) {
    // Within the hour the time differs, except in the last one, which is the real time.
    let minutes = if hour.ago == 0 { 0 } else { hour.ago * 37 % 60 };
    let behind = Duration::from_hours(hour.ago.into()).saturating_sub(Duration::from_mins(minutes.into()));
    BEHIND.store(i64::try_from(behind.as_micros()).unwrap_or(0), Ordering::Relaxed);
}

/// Distributes messages over the hours: many by day, few at night.
pub(super) fn hours(messages: u64, wall: DateTime<Utc>) -> Vec<Hour> {
    let all: Vec<u32> = HOURS.into_iter().flat_map(Iterator::rev).collect();
    let weight = |ago: u32| match (wall - TimeDelta::hours(ago.into())).hour() {
        // What happened a moment ago is worth looking at, whatever the time is.
        _ if ago < OUTAGE.end => 7,
        7..20 => 5,
        20..23 => 3,
        _ => 1,
    };
    let total: u64 = all.iter().map(|ago| weight(*ago)).sum();
    let (mut passed, mut begin, mut hours) = (0, 0, Vec::new());
    for ago in all {
        passed += weight(ago);
        let end = messages * passed / total;
        hours.push(Hour { ago, messages: begin..end });
        begin = end;
    }
    hours
}

/// The failure of an operator.
pub(super) fn outage(wall: DateTime<Utc>) -> Outage {
    let ago = |hours: u32| wall - TimeDelta::hours(hours.into());
    Outage {
        numbers: SUBSCRIBERS.map(str::to_owned).to_vec(),
        // The first of these hours is the one that was longer ago.
        since: ago(OUTAGE.end - 1),
        until: ago(OUTAGE.start - 1),
        code: OPERATOR_FAILED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_sent_once_and_the_last_hour_is_now() {
        for messages in [0, 1, 120, 3000] {
            let hours = hours(messages, DateTime::UNIX_EPOCH);
            assert_eq!(hours.len(), 96);
            assert!(hours.windows(2).all(|pair| pair[0].ago > pair[1].ago));
            assert!(hours.windows(2).all(|pair| pair[0].messages.end == pair[1].messages.start));
            assert_eq!((hours[0].messages.start, hours[95].messages.end, hours[95].ago), (0, messages, 0));
        }
    }

    #[test]
    fn the_operator_fails_during_two_hours() {
        let outage = outage(DateTime::UNIX_EPOCH);
        assert_eq!(outage.until - outage.since, TimeDelta::hours(2));
    }
}
