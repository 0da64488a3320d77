//! The events of one message and their times, planned in advance as a pure function of the seed.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use receiptd_domain::Channel;

use super::directives::Directives;
use super::envelope;
use super::journey;
use super::request::{Api, Order, Recipient};
use super::settings::{Outage, Settings};
use super::step::{Step, falls};
use super::trace::{Frame, Trace};

/// One notification of a plan, in the order of posting.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    /// The pause after the previous one.
    pub(super) pause: Duration,
    /// Whether it is never posted, as if it had been lost.
    pub(super) lost: bool,
    pub(super) body: String,
}

/// The plan of the platform for an accepted message to one recipient.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Whether the first notification is posted before the send request is answered.
    pub(super) early: bool,
    pub(super) notifications: Vec<Planned>,
}

/// The platform's transaction id of the n-th request.
pub(super) fn transaction_id(seed: u64, nth: u64) -> String {
    uuid(!seed, nth)
}

/// `x-wx-gtrid` of the n-th message.
pub(super) fn trace_id(seed: u64, nth: u64) -> String {
    uuid(seed.rotate_left(32), nth)
}

fn uuid(seed: u64, nth: u64) -> String {
    uuid::Builder::from_random_bytes(draws(seed, nth).random()).into_uuid().to_string()
}

/// Plans the n-th message.
pub(super) fn plan(
    settings: &Settings,
    nth: u64,
    order: &Order,
    recipient: &Recipient,
    words: &Directives,
    transaction_id: &str,
    accepted_at: DateTime<Utc>,
) -> Plan {
    let failing = settings.outage.as_ref().filter(|outage| concerns(outage, order, recipient, accepted_at));
    let words = match failing {
        Some(outage) => &Directives { fail: Some((outage.code.clone(), None)), ..words.clone() },
        None => words,
    };
    let mut rng = draws(settings.seed, nth);
    let early = falls(&mut rng, settings.early);
    let trace = trace(&mut rng, settings, order, recipient, transaction_id);
    let mut steps = journey::steps(&mut rng, order, recipient, words, settings.failures);
    if words.silent {
        return Plan::default();
    }
    if trace.frame == Frame::FlatSms {
        steps.insert(0, Step::new("Queued", "1001", "Queued"));
    }

    let scheduled = order.send_at.and_then(|at| (at - accepted_at).to_std().ok()).unwrap_or_default();
    let mut happens = scheduled;
    let mut notifications = Vec::with_capacity(steps.len());
    for (place, step) in steps.iter().enumerate() {
        let wait = jitter(&mut rng, settings.notify_delay);
        let wait = if step.same_moment { Duration::ZERO } else { wait };
        happens = happens.saturating_add(wait);
        let after = TimeDelta::from_std(happens).unwrap_or_default();
        let at = accepted_at.checked_add_signed(after).unwrap_or(accepted_at);
        let pause = match place {
            0 if early => Duration::ZERO,
            0 => scheduled.saturating_add(wait),
            _ => wait,
        };
        let (lost, twice) = (falls(&mut rng, settings.loss), falls(&mut rng, settings.duplicates));
        let Some(body) = envelope::render(&trace, step, at) else { continue };
        let planned = Planned { pause, lost, body: body.to_string() };
        if twice && !lost {
            notifications.push(planned.clone());
        }
        notifications.push(planned);
    }
    shuffle(&mut rng, settings.reorder, &mut notifications);
    Plan { early: early && !notifications.is_empty(), notifications }
}

/// Whether a message cannot arrive because of the outage.
fn concerns(outage: &Outage, order: &Order, recipient: &Recipient, accepted_at: DateTime<Utc>) -> bool {
    let number = recipient.id.trim_start_matches('+');
    order.channel == Channel::Sms
        && (outage.since..outage.until).contains(&accepted_at)
        && outage.numbers.iter().any(|beginning| number.starts_with(beginning))
}

/// Between half of `typical` and twice as long.
fn jitter(rng: &mut StdRng, typical: Duration) -> Duration {
    let factor = rng.random_range(0.5..2.0);
    Duration::try_from_secs_f64(typical.as_secs_f64() * factor).unwrap_or(typical)
}

/// Exchanges neighbors. The times of posting stay.
fn shuffle(rng: &mut StdRng, share: f64, notifications: &mut [Planned]) {
    for place in 1..notifications.len() {
        if falls(rng, share) {
            notifications.swap(place - 1, place);
            let pause = notifications[place].pause;
            notifications[place].pause = notifications[place - 1].pause;
            notifications[place - 1].pause = pause;
        }
    }
}

fn draws(seed: u64, nth: u64) -> StdRng {
    // The odd factor spreads neighboring numbers over the whole range.
    StdRng::seed_from_u64(seed ^ nth.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn trace(rng: &mut StdRng, settings: &Settings, order: &Order, recipient: &Recipient, transaction_id: &str) -> Trace {
    const CARRIERS: [&str; 4] = ["", "", "USTMO", "USVZW"];
    Trace {
        channel: order.channel.clone(),
        kind: recipient.kind,
        id: recipient.id.clone(),
        transaction_id: transaction_id.to_owned(),
        correlation_id: recipient.correlation_id.clone(),
        callback_data: order.callback_data.clone(),
        segments: segments(order),
        carrier: CARRIERS[rng.random_range(0..CARRIERS.len())],
        frame: match order.api {
            Api::Voice => Frame::FlatVoice,
            Api::Sms if settings.flat_callbacks => Frame::FlatSms,
            _ => Frame::Envelope,
        },
        has_buttons: order.body.pointer("/channels/push/interactive").is_some(),
    }
}

/// The number of parts of an SMS: 160 characters fit into one, 153 into each of several. For unicode, 70 and 67.
fn segments(order: &Order) -> usize {
    let texts = ["/channels/sms/text", "/content/text", "/content", "/options/text"];
    let text = texts.iter().find_map(|pointer| order.string(pointer)).unwrap_or_default();
    let (single, part) = if text.is_ascii() { (160, 153) } else { (70, 67) };
    let length = text.encode_utf16().count();
    if length <= single { 1 } else { length.div_ceil(part) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::{Value, json};

    use super::*;
    use crate::request;

    const AT: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn sms(text: &str) -> Value {
        json!({"channel": "sms", "from": "ACME", "to": [{"msisdn": ["447700900123"], "correlationId": "c1"}],
               "content": {"type": "text", "text": text}})
    }

    fn plan_of(settings: &Settings, nth: u64, body: &Value) -> Plan {
        let order = request::read(Api::V2, body.clone(), AT).unwrap();
        let words = Directives::find(body);
        plan(settings, nth, &order, &order.recipients[0], &words, "t1", AT)
    }

    fn statuses(plan: &Plan) -> Vec<String> {
        let of = |planned: &Planned| {
            let body: Value = serde_json::from_str(&planned.body).unwrap();
            body["deliveryInfoNotification"]["deliveryInfo"]["deliveryStatus"].as_str().unwrap().to_owned()
        };
        plan.notifications.iter().map(of).collect()
    }

    fn seconds(settings: Settings) -> Settings {
        Settings { notify_delay: Duration::from_secs(1), ..settings }
    }

    #[test]
    fn the_same_seed_gives_the_same_plans() {
        let wild = Settings { loss: 0.2, duplicates: 0.2, reorder: 0.3, early: 0.3, failures: 0.3, ..Settings::calm() };
        let plans = |seed| {
            let settings = Settings { seed, ..wild.clone() };
            (0..50).map(|nth| plan_of(&settings, nth, &sms("Hello"))).collect::<Vec<_>>()
        };
        assert_eq!(plans(7), plans(7));
        assert_ne!(plans(7), plans(8));
    }

    #[test]
    fn transaction_ids_are_repeatable_and_different() {
        let ids: HashSet<_> = (0..1000).map(|nth| transaction_id(7, nth)).collect();
        assert_eq!(ids.len(), 1000);
        assert_eq!(transaction_id(7, 3), transaction_id(7, 3));
        assert_ne!(transaction_id(7, 3), transaction_id(8, 3));
    }

    #[test]
    fn the_configured_shares_are_reached() {
        let settings = Settings { failures: 0.25, early: 0.5, ..Settings::calm() };
        let plans: Vec<_> = (0..2000).map(|nth| plan_of(&settings, nth, &sms("Hello"))).collect();
        let failed = plans.iter().filter(|plan| !statuses(plan).contains(&"Delivered".to_owned())).count();
        assert!((400..600).contains(&failed), "{failed}");
        let early = plans.iter().filter(|plan| plan.early).count();
        assert!((900..1100).contains(&early), "{early}");
    }

    #[test]
    fn loss_duplication_and_reordering_are_planned() {
        let lossy = plan_of(&Settings { loss: 1.0, ..Settings::calm() }, 0, &sms("Hello"));
        assert!(lossy.notifications.iter().all(|planned| planned.lost));
        let doubled = plan_of(&Settings { duplicates: 1.0, ..Settings::calm() }, 0, &sms("Hello"));
        assert_eq!(statuses(&doubled), ["Submitted", "Submitted", "Delivered", "Delivered"]);
        assert_eq!(doubled.notifications[0].body, doubled.notifications[1].body);
        let swapped = plan_of(&Settings { reorder: 1.0, ..Settings::calm() }, 0, &sms("Hello"));
        assert_eq!(statuses(&swapped), ["Delivered", "Submitted"]);
    }

    #[test]
    fn events_have_the_typical_pause_between_them() {
        let plan = plan_of(&seconds(Settings::calm()), 0, &sms("Hello"));
        let range = Duration::from_millis(500)..Duration::from_secs(2);
        assert!(plan.notifications.iter().all(|planned| range.contains(&planned.pause)));
    }

    #[test]
    fn a_scheduled_message_begins_at_its_time() {
        let mut body = sms("Hello");
        body["sendAt"] = json!("1970-01-01T01:00:00Z");
        let plan = plan_of(&seconds(Settings::calm()), 0, &body);
        assert!(plan.notifications[0].pause > Duration::from_hours(1));
        assert!(plan.notifications[1].pause < Duration::from_secs(3));
    }

    #[test]
    fn directives_decide_the_outcome() {
        let settings = Settings { failures: 1.0, ..Settings::calm() };
        for (text, expected) in [
            ("[sim:silent]", &[][..]),
            ("[sim:until=submitted]", &["Submitted"]),
            ("[sim:until=clicked]", &["Submitted", "Delivered", "Clicked"]),
            ("[sim:fail=7203]", &["Submitted", "Un-Delivered"]),
            ("[sim:fail=7102]", &["Failed"]),
            ("[sim:fail=7203][sim:until=submitted]", &["Submitted"]),
        ] {
            assert_eq!(statuses(&plan_of(&settings, 0, &sms(text))), expected, "{text}");
        }
    }

    #[test]
    fn nothing_arrives_at_an_operator_that_fails() {
        let outage = |since: i64, numbers: &str| Outage {
            numbers: vec![numbers.to_owned()],
            since: AT + TimeDelta::hours(since),
            until: AT + TimeDelta::hours(since + 2),
            code: "7201".to_owned(),
        };
        for (outage, expected) in [
            (outage(-1, "447700"), ["Submitted", "Un-Delivered"]),
            (outage(1, "447700"), ["Submitted", "Delivered"]),
            (outage(-2, "447700"), ["Submitted", "Delivered"]),
            (outage(-1, "4479"), ["Submitted", "Delivered"]),
        ] {
            let settings = Settings { outage: Some(outage), ..Settings::calm() };
            assert_eq!(statuses(&plan_of(&settings, 0, &sms("Hello"))), expected);
        }
    }

    #[test]
    fn long_texts_have_parts() {
        for (text, parts) in [("a".repeat(160), 1), ("a".repeat(161), 2), ("é".repeat(70), 1), ("é".repeat(135), 3)] {
            let order = request::read(Api::V2, sms(&text), AT).unwrap();
            assert_eq!(segments(&order), parts, "{}", text.len());
        }
    }
}
