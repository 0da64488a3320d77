//! The id of an act on many messages, which decides which messages it is about.

use std::time::Duration;

use uuid::{Builder, Uuid, Variant};

use crate::domain::Timestamp;

/// Identifies an act. The id begins with the time at which the act was planned: what is known later is not meant. So an act
/// that is repeated is about the same messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act(Uuid);

/// The bytes of a UUID version 7 that contain its time, in milliseconds.
const TIME: usize = 6;
/// By how much the clocks of the instances may differ.
const TOLERANCE: Duration = Duration::from_secs(1);

impl Act {
    /// Plans a new act.
    pub fn plan(now: Timestamp) -> Self {
        let millis = u64::try_from(now.as_micros() / 1000).unwrap_or_default();
        Self(Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid())
    }

    /// Reads the output of `Display`.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok()?;
        let is_ours = id.get_version_num() == 7 && id.get_variant() == Variant::RFC4122 && id.to_string() == text;
        is_ours.then_some(Self(id))
    }

    /// Whether the act was planned after `now`. Such an act would also be about the messages that it sends itself.
    pub fn is_ahead_of(&self, now: Timestamp) -> bool {
        self.end() > now.plus(TOLERANCE)
    }

    /// The end of the millisecond in which the act was planned. What is known later is not meant.
    pub(super) fn end(&self) -> Timestamp {
        let mut millis = [0; 8];
        millis[8 - TIME..].copy_from_slice(&self.0.as_bytes()[..TIME]);
        let millis = i64::try_from(u64::from_be_bytes(millis)).unwrap_or_default();
        Timestamp::from_micros(millis.saturating_add(1).saturating_mul(1000))
    }
}

impl std::fmt::Display for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_has_the_time_at_which_it_was_planned() {
        let now = Timestamp::parse_rfc3339("2026-05-20T13:15:00.123Z").unwrap();
        let act = Act::plan(now);
        assert_eq!(act.end().as_micros() - now.as_micros(), 1000);
        assert!(act != Act::plan(now) && !act.is_ahead_of(now));
        assert!(!Act::plan(now.plus(TOLERANCE / 2)).is_ahead_of(now));
        assert!(Act::plan(now.plus(TOLERANCE * 2)).is_ahead_of(now));
        assert_eq!(Act::parse(&act.to_string()), Some(act));
        let upper = act.to_string().to_uppercase();
        for bad in ["", "order-1", upper.as_str(), "6c84fb90-12c4-11e1-840d-7b25c5ee775a"] {
            assert_eq!(Act::parse(bad), None, "{bad}");
        }
    }
}
