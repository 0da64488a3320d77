//! The time of an event. It lies in the years 1970 to 9999, and is read alike in every zone if it has one of its own; a time that
//! cannot be read is named in the detail.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::webex::{Posted, TimeZone};

fuzz_target!(|text: &str| {
    let info = serde_json::json!({ "deliveryStatus": "Delivered", "code": "7500", "timeStamp": text });
    let body = serde_json::json!({ "deliveryInfoNotification": { "deliveryInfo": info, "transid": "t" } }).to_string();
    let read = |zone| match Posted::read(body.as_bytes(), zone) {
        Posted::Notification(notification) => *notification,
        other => panic!("{other:?}"),
    };
    let notification = read(TimeZone::UTC);
    match notification.at {
        Some(at) => {
            assert!((0..=253_402_300_799_999_999).contains(&at.as_micros()));
            assert_eq!(notification.detail, None);
            // What is written out is read back, to the millisecond.
            let again = serde_json::json!({ "messageId": "7", "status": "SENT", "statusTime": at.to_string() }).to_string();
            let Posted::Notification(again) = Posted::read(again.as_bytes(), TimeZone::UTC) else { panic!("{again}") };
            assert_eq!(again.at, Some(at.to_millisecond()));
        }
        None => assert_eq!(notification.detail.is_some(), !text.trim().is_empty()),
    }
});
