//! When a message is to be dispatched.
//!
//! Messaging API v2 schedules messages itself, up to seven days ahead. A message beyond that window waits here until it
//! falls into it. The other APIs send at once, so a scheduled message waits here until its time.

use std::time::Duration;

use crate::{
    domain::{FieldError, Submission, Timestamp},
    webex::Api,
};

/// How far ahead Messaging API v2 accepts `sendAt` and `expireAt`
/// (developers.webexconnect.io/reference/send-sms-message-api-v2).
const WINDOW: Duration = Duration::from_hours(7 * 24);
/// The distance kept from the end of the window, since the platform's clock may differ from ours.
const MARGIN: Duration = Duration::from_mins(5);

/// Returns when to dispatch `message`, or an error if its times cannot be met.
pub(super) fn due(api: Api, message: &Submission, now: Timestamp) -> Result<Timestamp, FieldError> {
    if message.expire_at.is_some_and(|expire_at| expire_at <= now) {
        return Err(FieldError {
            pointer: "/expireAt".to_owned(),
            detail: "is in the past: the message would expire before it is sent".to_owned(),
        });
    }
    let send_at = message.send_at.unwrap_or(now).max(now);
    if api != Api::V2 {
        return Ok(send_at);
    }
    let last = message.expire_at.unwrap_or(send_at);
    if last > send_at.plus(WINDOW) {
        return Err(FieldError {
            pointer: "/expireAt".to_owned(),
            detail: "must be at most seven days after sendAt, or after now: this is the maximum of the platform"
                .to_owned(),
        });
    }
    Ok(last.max(send_at).minus(WINDOW.saturating_sub(MARGIN)).clamp(now, send_at))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2026-06-01T00:00:00Z").unwrap()
    }

    fn in_days(days: u32) -> Timestamp {
        now().plus(DAY * days)
    }

    /// Returns when a message is due whose times are this many days ahead.
    fn due_in(api: Api, send: Option<u32>, expire: Option<u32>) -> Result<Timestamp, FieldError> {
        let time = |days: Option<u32>| days.map_or(Value::Null, |days| json!(in_days(days)));
        let message = Submission::from_json(json!({
            "channel": "sms", "from": "ACME", "to": "447700900123", "text": "Hi", "correlationId": "1",
            "sendAt": time(send), "expireAt": time(expire)
        }));
        due(api, &message.unwrap(), now())
    }

    #[test]
    fn without_a_time_it_is_due_at_once() {
        for api in [Api::V1, Api::V2, Api::SmsV1] {
            assert_eq!(due_in(api, None, None), Ok(now()));
            assert_eq!(due_in(api, None, Some(7)), Ok(now()));
        }
    }

    #[test]
    fn what_would_expire_before_it_is_sent_is_refused() {
        for api in [Api::V1, Api::V2, Api::SmsV1] {
            assert_eq!(due_in(api, None, Some(0)).unwrap_err().pointer, "/expireAt");
        }
    }

    #[test]
    fn the_platform_schedules_within_its_window_and_we_beyond() {
        assert_eq!(due_in(Api::V2, Some(6), None), Ok(now()));
        assert_eq!(due_in(Api::V2, Some(10), None), Ok(in_days(3).plus(MARGIN)));
        assert_eq!(due_in(Api::V1, Some(6), None), Ok(in_days(6)));
    }

    #[test]
    fn both_times_must_fit_into_the_window() {
        assert_eq!(due_in(Api::V2, Some(6), Some(8)), Ok(in_days(1).plus(MARGIN)));
        assert_eq!(due_in(Api::V2, Some(6), Some(13)), Ok(in_days(6)));
        assert_eq!(due_in(Api::V2, Some(6), Some(14)).unwrap_err().pointer, "/expireAt");
        assert_eq!(due_in(Api::V2, None, Some(8)).unwrap_err().pointer, "/expireAt");
        assert!(due_in(Api::V1, None, Some(8)).is_ok());
    }
}
