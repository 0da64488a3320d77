//! The time of an event. It is in the years 1970 to 9999. A time with a zone of its own is read in the same way in every time zone of
//! the tenant. A time that cannot be read is in the detail.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::webex::{Posted, TimeZone};

fuzz_target!(|text: &str| {
    let info = serde_json::json!({ "deliveryStatus": "Delivered", "code": "7500", "timeStamp": text });
    let body = serde_json::json!({ "deliveryInfoNotification": { "deliveryInfo": info, "transid": "t" } }).to_string();
    let read = |zone| match Posted::read(body.as_bytes(), zone) {
        Posted::Notification(notification, _) => *notification,
        other => panic!("{other:?}"),
    };
    let notification = read(TimeZone::UTC);
    match notification.at {
        Some(at) => {
            assert!((0..=253_402_300_799_999_999).contains(&at.as_micros()));
            assert_eq!(notification.detail, None);
            // A time that was written is read again, to the millisecond.
            let again =
                serde_json::json!({ "messageId": "7", "status": "SENT", "statusTime": at.to_string() }).to_string();
            let Posted::Notification(again, _) = Posted::read(again.as_bytes(), TimeZone::UTC) else { panic!("{again}") };
            assert_eq!(again.at, Some(at.to_millisecond()));
        }
        None => {
            let named = text.replace('\0', "\u{FFFD}");
            let is_named = notification.detail.is_some_and(|detail| detail.ends_with(&named));
            assert_eq!(is_named, !text.trim().is_empty());
        }
    }
    // Since 1970, clocks in India have been 5:30 hours ahead all year.
    let india = read(TimeZone::from_name("Asia/Kolkata").expect("a time zone"));
    if let (Some(here), Some(there)) = (notification.at, india.at) {
        let ahead = here.as_micros() - there.as_micros();
        assert!(ahead == 0 || ahead == 19_800_000_000);
    }
    // A clock that changes, even by a day, causes no panic.
    for zone in ["Europe/London", "Pacific/Apia", "Australia/Lord_Howe"] {
        let there = read(TimeZone::from_name(zone).expect("a time zone"));
        assert!(there.at.is_some() || there.detail.is_some() || text.trim().is_empty());
    }
});
