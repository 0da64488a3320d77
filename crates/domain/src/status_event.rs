//! A change of a message's status, as it is told to whoever follows along.

use std::{fmt, str::FromStr};

use super::{Channel, CorrelationId, Failure, Filter, Origin, Status, Timestamp};

/// Where a change stands in the order of all changes. Whoever has seen everything up to a place continues there,
/// without a gap and without a repeat. To a client it is opaque text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPosition(i64);

impl EventPosition {
    /// The place of this number; the first change has one above 0.
    pub const fn of(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for EventPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text was never a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the id of an event")]
pub struct InvalidEventPosition;

impl FromStr for EventPosition {
    type Err = InvalidEventPosition;

    fn from_str(text: &str) -> Result<Self, InvalidEventPosition> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map(Self).ok_or(InvalidEventPosition)
    }
}

/// A message was first heard of, got another status, or its status became final or ceased to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusEvent {
    /// Its place in the order.
    pub position: EventPosition,
    /// Which message.
    pub correlation_id: CorrelationId,
    /// Who sent it.
    pub origin: Origin,
    /// Its channel.
    pub channel: Option<Channel>,
    /// Where it stands now.
    pub status: Status,
    /// Whether the outcome is known.
    pub is_final: bool,
    /// If it failed or was refused, whether that may pass.
    pub failure: Option<Failure>,
    /// The code behind the status.
    pub code: Option<String>,
    /// The words behind the status.
    pub reason: Option<String>,
    /// When the status was reached, by the clock of whoever reported it. `None` if no readable time came.
    pub status_at: Option<Timestamp>,
    /// When it became known here.
    pub changed_at: Timestamp,
}

impl StatusEvent {
    /// Whether `filter` admits it, by status, channel and origin; what else a filter may ask for is not looked at.
    pub fn is_admitted_by(&self, filter: &Filter) -> bool {
        filter.status.is_none_or(|status| status == self.status)
            && filter.origin.is_none_or(|origin| origin == self.origin)
            && filter.channel.as_ref().is_none_or(|channel| Some(channel) == self.channel.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_nothing_else_is_one() {
        let place = EventPosition::of(7_000_000_012);
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "-1", "+1", "1-2", "a", "9223372036854775808", "1 "] {
            assert_eq!(text.parse::<EventPosition>(), Err(InvalidEventPosition), "{text}");
        }
    }
}
