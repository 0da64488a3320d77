//! The members that only the notifications of one channel have, or lack.

use chrono::{DateTime, Utc};
use receiptd_domain::Channel;
use serde_json::{Map, Value, json};

use super::step::Step;
use super::trace::{Trace, push_id, set, time_stamp};

type Members = Map<String, Value>;

/// Adds members for `channel` to `info`, the inner object, and `outer`, the object around it.
pub(super) fn add(
    trace: &Trace,
    step: &Step,
    channel: &Channel,
    at: DateTime<Utc>,
    info: &mut Members,
    outer: &mut Members,
) {
    match channel {
        Channel::Sms => sms(trace, step, at, info, outer),
        Channel::Mms => set(info, "sentAs", "MMS"),
        Channel::Rcs => rcs(trace, step, info, outer),
        Channel::Email => email(step, info, outer),
        Channel::Voice => voice(step, info, outer),
        Channel::Whatsapp => whatsapp(trace, step, info),
        Channel::Messenger if step.word != "Failed" => to_old_shape(info, outer),
        Channel::Push => push(trace, step, info),
        Channel::InApp => in_app(step, info, outer),
        Channel::Instagram if step.word == "Submitted" => {
            set(outer, "messageId", format!("aWdf{}", trace.transaction_id));
        }
        _ => {}
    }
}

/// The number of parts and the network are known once the message has been submitted. A message that the contact policy
/// blocks (codes from 9000) never had parts.
fn sms(trace: &Trace, step: &Step, at: DateTime<Utc>, info: &mut Members, outer: &mut Members) {
    match step.word {
        "Submitted" => {}
        // A click is reported in an older format.
        "Clicked" => {
            outer.remove("subtid");
        }
        _ => {
            set(outer, "carrier", trace.carrier);
            if !step.code.starts_with('9') {
                set(info, "messageCount", trace.segments.to_string());
                if !trace.carrier.is_empty() {
                    set(info, "carrierSubmitTimeStamp", time_stamp(&Channel::Sms, step, at));
                }
            }
        }
    }
}

/// Only steps that passed the provider contain its data.
fn rcs(trace: &Trace, step: &Step, info: &mut Members, outer: &mut Members) {
    if step.word == "Failed" {
        return;
    }
    set(outer, "carrier", "8");
    set(outer, "serviceProvider", "GOOGLE");
    set(outer, "subtid", trace.transaction_id.as_str());
    if step.word != "Submitted" {
        set(info, "destinationType", "");
    }
}

fn email(step: &Step, info: &mut Members, outer: &mut Members) {
    match step.word {
        "Clicked" => {
            outer.remove("subtid");
        }
        "Complaint" | "Not Verified" => {
            set(info, "destinationType", "emailid");
            to_old_shape(info, outer);
        }
        _ => {}
    }
}

/// Three kinds of events lack the sender's data: a known defect of the platform.
fn voice(step: &Step, info: &mut Members, outer: &mut Members) {
    match step.word {
        "TROMBONE_CONNECTED" | "TROMBONE_RELEASED" | "DISCONNECTED" => {
            set(outer, "callbackData", "");
            set(outer, "correlationid", "");
        }
        "ANSWERED" => to_old_shape(info, outer),
        "REJECTED" => {
            info.remove("additionalInfo");
        }
        _ => {}
    }
}

/// The recipient's second id is known only once the message has arrived.
fn whatsapp(trace: &Trace, step: &Step, info: &mut Members) {
    let by_number = trace.kind == "waid";
    let bsuid = match step.word {
        _ if !by_number => trace.id.clone(),
        "Submitted" => String::new(),
        _ => format!("GB.{}", trace.id.trim_start_matches('+')),
    };
    set(info, "waid", if by_number { trace.id.trim_start_matches('+') } else { "" });
    set(info, "bsuid", bsuid);
    set(info, "waidNormalized", "false");
    set(info, "identityKeyHash", "c2ltdWxhdGVk");
}

fn push(trace: &Trace, step: &Step, info: &mut Members) {
    info.remove("additionalInfo");
    set(info, "pushId", push_id(trace));
    set(info, "deviceid", format!("device-{}", trace.id));
    if step.word == "Read" && trace.has_buttons {
        set(info, "interaction", json!({"Button_Pressed": "YES", "pushref": "order"}));
    }
}

fn in_app(step: &Step, info: &mut Members, outer: &mut Members) {
    match step.word {
        "Failed" => {
            info.remove("additionalInfo");
            set(info, "pushId", "");
            set(info, "deviceid", "");
        }
        // Here all four are inside.
        "Clicked" => {
            info.append(outer);
            let button = json!({"identifier": "yes", "type": "quickReplyPostback", "title": "Yes", "url": ""});
            set(info, "interactiveData", button);
        }
        _ => {}
    }
}

fn to_old_shape(info: &mut Members, outer: &mut Members) {
    info.remove("additionalInfo");
    outer.remove("subtid");
}
