//! How long people stay logged in.

use std::time::Duration;

use super::{errors::ConfigErrors, raw::Sessions};
use crate::domain::SessionLimits;

/// Reads the limits of sessions.
pub(super) fn session_limits(raw: &Sessions, errors: &mut ConfigErrors) -> SessionLimits {
    // A use is stored once a minute, so a shorter time could not be kept.
    errors.check((2..=10_080).contains(&raw.idle_minutes), "sessions.idle_minutes must be 2 to 10080");
    errors.check((1..=720).contains(&raw.longest_hours), "sessions.longest_hours must be 1 to 720");
    SessionLimits {
        idle: Duration::from_secs(raw.idle_minutes.saturating_mul(60)),
        longest: Duration::from_secs(raw.longest_hours.saturating_mul(3600)),
    }
}
