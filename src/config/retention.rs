//! The periods for which data is kept.

use std::time::Duration;

use super::{errors::ConfigErrors, raw::Retention};
use crate::maintenance::Periods;

/// Reads the periods, and rejects those that contradict each other. Bodies and notifications cannot be kept longer than the
/// notification or message to which they belong.
pub(super) fn periods(raw: &Retention, errors: &mut ConfigErrors) -> Periods {
    let days = [
        ("bodies_days", raw.bodies_days),
        ("notifications_days", raw.notifications_days),
        ("messages_days", raw.messages_days),
    ];
    for (at, (name, shorter)) in days.iter().enumerate() {
        for (other, longer) in &days[at + 1..] {
            errors.check(
                *longer == 0 || *shorter <= *longer,
                &format!(
                    "retention.{name} is longer than retention.{other}, which removes the same data; set it to 0 to use that period"
                ),
            );
        }
    }
    Periods {
        bodies: period(raw.bodies_days),
        notifications: period(raw.notifications_days),
        messages: period(raw.messages_days),
        inbound: period(raw.inbound_days),
        quarantine: period(raw.quarantine_days),
        audit_log: period(raw.audit_log_days),
    }
}

fn period(days: u32) -> Option<Duration> {
    (days > 0).then(|| Duration::from_hours(24 * u64::from(days)))
}
