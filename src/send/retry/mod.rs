//! Decides whether and when a message is tried again, and what is stored about the attempt.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backon::{BackoffBuilder, ExponentialBuilder};

use super::{
    classify::{Cause, Outcome},
    limits::{DispatchLimits, OnUnknown},
};
use crate::{
    domain::{Dispatch, Failure, Timestamp},
    storage::{Claim, Settlement},
};

/// 1 to 2 seconds, doubled with each attempt up to 2.5 to 5 minutes. The value in between is random, so that messages
/// that failed together are not retried together.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_secs(1))
    .with_max_delay(Duration::from_secs(150))
    .with_jitter()
    .without_max_times();

/// The number of pauses with different bounds; all later pauses are like the last.
const STEPS: i64 = 9;

/// The longest pause that an answer can ask for. Without it, a mistake of the platform could delay a message for ever.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// The longest pause of a message whose answers do not come from the platform.
const LONGEST_UNEXPECTED: Duration = Duration::from_secs(30);

/// Returns what is stored about an attempt with this outcome. If this was the last attempt, a message with a transient
/// failure becomes `rejected` instead of waiting again. Causes that concern all messages have no last attempt.
pub(super) fn settle(outcome: Outcome, claim: &Claim, limits: &DispatchLimits, now: Timestamp) -> Settlement {
    let is_last = claim.counted + 1 >= limits.attempts;
    match outcome {
        Outcome::Accepted(id) => {
            let mut settlement = Settlement::new(Dispatch::Accepted, now);
            settlement.event.transaction_id = id;
            settlement
        }
        Outcome::Rejected { code, reason, failure } => rejected(code, reason, failure, now),
        Outcome::Later { code, reason, cause: Cause::Transient, .. } if is_last => {
            let reason = match claim.counted + 1 {
                1 => format!("given up after 1 attempt: {reason}"),
                count => format!("given up after {count} attempts; the last: {reason}"),
            };
            rejected(code, reason, Failure::Transient, now)
        }
        Outcome::Later { code, reason, cause, after } => {
            let (pause, when) = wait(cause, claim);
            let pause = pause.max(after.unwrap_or_default());
            let when = when.map_or_else(|| format!("in {} s", pause.as_secs_f64().ceil()), str::to_owned);
            let mut settlement = Settlement::new(Dispatch::Queued, now);
            settlement.event.code = code;
            settlement.event.reason = Some(format!("{reason}; retry {when}"));
            settlement.retry_at = Some(now.plus(pause));
            settlement.counts = cause.counts();
            settlement
        }
        Outcome::Unknown { reason } if limits.on_unknown == OnUnknown::Resend && !is_last => {
            let reason = format!("{reason}; the platform may have it");
            let later = Outcome::Later { code: None, reason, cause: Cause::Transient, after: None };
            settle(later, claim, limits, now)
        }
        // No resend, or no attempts left: it becomes `unconfirmed`, since the platform may have accepted it.
        Outcome::Unknown { reason } => {
            let mut settlement = Settlement::new(Dispatch::Unconfirmed, now);
            settlement.event.reason = Some(reason);
            settlement
        }
    }
}

fn rejected(code: Option<String>, reason: String, failure: Failure, now: Timestamp) -> Settlement {
    let mut settlement = Settlement::new(Dispatch::Rejected, now);
    settlement.event.code = code;
    settlement.event.reason = Some(reason);
    settlement.failure = Some(failure);
    settlement
}

/// Returns how long the message waits and, if it waits for an event and not just for time, a description of that event.
/// Attempts that do not count do not lengthen the pause, except after unexpected answers.
fn wait(cause: Cause, claim: &Claim) -> (Duration, Option<&'static str>) {
    match cause {
        Cause::Transient => (pause(claim.counted + 1), None),
        Cause::Rate => (pause(1), None),
        // The breaker lets one message through as a probe. If this message is what provokes these answers, a pause lets
        // another message be the probe.
        Cause::Unexpected => (pause(claim.attempt).min(LONGEST_UNEXPECTED), Some("when the platform answers")),
        // These messages wait for the circuit breaker only.
        Cause::Credentials => (Duration::ZERO, Some("when the platform accepts the credentials")),
        Cause::Unreachable => (Duration::ZERO, Some("when the platform can be reached")),
    }
}

/// The pause after the n-th attempt.
fn pause(attempt: i64) -> Duration {
    let step = usize::try_from(attempt.clamp(1, STEPS) - 1).unwrap_or_default();
    BACKOFF.build().nth(step).unwrap_or_default()
}

/// Returns the pause that a `Retry-After` asks for, in seconds or as a date (RFC 9110, 10.2.3). A date is compared with
/// that of the answer, since the clocks of the two sides may differ; without one, it is compared with `now`.
pub(super) fn asked_for(retry_after: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let retry_after = retry_after.trim();
    let asked = if let Ok(seconds) = retry_after.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = httpdate::parse_http_date(retry_after).ok()?;
        let sent = date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(|| system_time(now));
        until.duration_since(sent).unwrap_or_default()
    };
    Some(asked.min(LONGEST_ASKED))
}

fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + at.since(Timestamp::default())
}

#[cfg(test)]
mod tests;
