//! A change of a message's status, as clients that follow the events see it.

use std::{fmt, str::FromStr};

use super::{Channel, CorrelationId, Failure, Filter, Origin, Status, Timestamp};

/// The position of an event in the order of all events. A client that has seen everything up to a position continues
/// there, without a gap or a repetition. To clients it is opaque.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPosition(i64);

impl EventPosition {
    /// The position with this number. The first event has a number above 0.
    pub const fn of(number: i64) -> Self {
        Self(number)
    }

    pub const fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for EventPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not an event position.
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

/// A message was first known, its status changed, its status became final or stopped being final, or another message
/// replaced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusEvent {
    pub position: EventPosition,
    pub correlation_id: CorrelationId,
    pub origin: Origin,
    pub channel: Option<Channel>,
    pub status: Status,
    /// Whether the outcome is known.
    pub is_final: bool,
    /// For a failed or rejected message, whether the failure may be temporary.
    pub failure: Option<Failure>,
    /// The code behind the status.
    pub code: Option<String>,
    /// The description behind the status.
    pub reason: Option<String>,
    /// When the status was reached, by the clock of the system that reported it. `None` if there was no readable time.
    pub status_at: Option<Timestamp>,
    /// When receiptd knew of it.
    pub changed_at: Timestamp,
    /// The message that replaced this one, which no longer exists: a message whose correlation id was unknown, until a
    /// notification or an answer named it. The other members are those of the message that was replaced.
    pub replaced_by: Option<CorrelationId>,
}

impl StatusEvent {
    /// Whether `filter` admits the event by what it contains. [`Filter::of_message`] has the rest of the filter, which
    /// only the message can answer.
    pub fn is_admitted_by(&self, filter: &Filter) -> bool {
        filter.status.is_none_or(|status| status == self.status)
            && filter.is_final.is_none_or(|is_final| is_final == self.is_final)
            && filter.failure.is_none_or(|failure| Some(failure) == self.failure)
            && filter.origin.is_none_or(|origin| origin == self.origin)
            && filter.channel.as_ref().is_none_or(|channel| Some(channel) == self.channel.as_ref())
            && filter.code.as_ref().is_none_or(|code| Some(code) == self.code.as_ref())
            && filter.correlation_id.as_ref().is_none_or(|id| id.matches(self.correlation_id.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_can_be_read_again_and_any_other_text_is_rejected() {
        let place = EventPosition::of(7_000_000_012);
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "-1", "+1", "1-2", "a", "9223372036854775808", "1 "] {
            assert_eq!(text.parse::<EventPosition>(), Err(InvalidEventPosition), "{text}");
        }
    }
}
