//! The session of a person in a browser, which began with an API token.

use std::time::Duration;

use super::Timestamp;

/// The SHA-256 of the random id in the cookie. The id itself is not stored, so a copy of the store opens no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey([u8; 32]);

impl SessionKey {
    /// The key from its bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub key: SessionKey,
    /// The name of its token.
    pub token: String,
    /// An HMAC of the token's secret, whose key is the id in the cookie. With it, each instance sees whether the token
    /// still has this secret, and the store reveals nothing of it.
    pub proof: Vec<u8>,
    pub opened_at: Timestamp,
    /// The last use, to the minute.
    pub used_at: Timestamp,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// The longest time between two uses.
    pub idle: Duration,
    /// The longest time altogether.
    pub longest: Duration,
}

/// A use is stored only if the last stored one is at least this old, so that few requests have to write.
const NOTED_AFTER: Duration = Duration::from_mins(1);

impl Session {
    /// When it ends unless it is used.
    pub fn ends_at(&self, limits: SessionLimits) -> Timestamp {
        self.used_at.plus(limits.idle).min(self.opened_at.plus(limits.longest))
    }

    /// Whether a use at `now` has to be stored.
    pub fn is_to_be_noted(&self, now: Timestamp) -> bool {
        self.used_at.plus(NOTED_AFTER) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SessionLimits = SessionLimits { idle: Duration::from_mins(30), longest: Duration::from_hours(8) };

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_micros(minute * 60_000_000)
    }

    fn session(used: i64) -> Session {
        let key = SessionKey::new([7; 32]);
        Session { key, token: "desk".to_owned(), proof: Vec::new(), opened_at: minute(100), used_at: minute(used) }
    }

    #[test]
    fn a_session_ends_when_it_was_not_used_and_at_the_latest_after_its_longest_time() {
        assert_eq!(session(100).ends_at(LIMITS), minute(130));
        assert_eq!(session(125).ends_at(LIMITS), minute(155));
        assert_eq!(session(570).ends_at(LIMITS), minute(580));
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        assert!(!session(100).is_to_be_noted(Timestamp::from_micros(100 * 60_000_000 + 59_999_999)));
        assert!(session(100).is_to_be_noted(minute(101)));
        assert!(!session(100).is_to_be_noted(minute(90)), "the clock was set back");
    }
}
