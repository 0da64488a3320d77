//! The id of an act on many messages, which makes it harmless to repeat.

use uuid::{Builder, Uuid, Variant};

use crate::domain::{CorrelationId, Fingerprint, Timestamp};

/// Identifies an act. The id begins with the time at which the act was planned, and decides the ids of the messages that
/// the act sends. So an act that is repeated sends nothing twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act(Uuid);

/// The bytes of a UUID version 7 that contain its time, in milliseconds.
const TIME: usize = 6;

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

    /// The end of the millisecond in which the act was planned. What is known later is not meant.
    pub(super) fn end(&self) -> Timestamp {
        let mut millis = [0; 8];
        millis[8 - TIME..].copy_from_slice(&self.0.as_bytes()[..TIME]);
        let millis = i64::try_from(u64::from_be_bytes(millis)).unwrap_or_default();
        Timestamp::from_micros(millis.saturating_add(1).saturating_mul(1000))
    }

    /// The id of the message that the act sends in place of `first`. Ids that begin with a time keep the indexes dense.
    pub(super) fn message_id(&self, first: &CorrelationId) -> CorrelationId {
        let parts = [self.0.as_bytes().as_slice(), first.as_str().as_bytes()];
        let mut bytes = [0; 16];
        bytes.copy_from_slice(Fingerprint::of_parts(parts).as_bytes());
        bytes[..TIME].copy_from_slice(&self.0.as_bytes()[..TIME]);
        CorrelationId::of_uuid(&bytes)
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
    fn an_act_has_its_time_and_decides_the_ids_of_its_messages() {
        let now = Timestamp::parse_rfc3339("2026-05-20T13:15:00.123Z").unwrap();
        let (act, other) = (Act::plan(now), Act::plan(now));
        assert_eq!(act.end().as_micros() - now.as_micros(), 1000);
        let [one, two] = ["order-1", "order-2"].map(|id| CorrelationId::new(id).unwrap());
        assert_eq!(act.message_id(&one), act.message_id(&one));
        assert!(act.message_id(&one) != act.message_id(&two) && act.message_id(&one) != other.message_id(&one));
        assert_eq!(Act::parse(&act.to_string()), Some(act));
        let upper = act.to_string().to_uppercase();
        for bad in ["", "order-1", upper.as_str(), "6c84fb90-12c4-11e1-840d-7b25c5ee775a"] {
            assert_eq!(Act::parse(bad), None, "{bad}");
        }
    }
}
