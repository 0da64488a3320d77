//! Bodies that are posted to the notify URL. Whatever they are, they are read in the same way each time, and no text that
//! is kept of them holds what a database would refuse.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::webex::{Posted, TimeZone};

fuzz_target!(|body: &[u8]| {
    let read = Posted::read(body, TimeZone::UTC);
    assert_eq!(read, Posted::read(body, TimeZone::UTC));
    match read {
        Posted::Notification(notification) => {
            let texts = [&notification.code, &notification.reason, &notification.detail, &notification.callback_data];
            assert!(texts.into_iter().flatten().chain([&notification.status_text]).all(|text| !text.contains('\0')));
        }
        Posted::Inbound(inbound) => assert!(!inbound.event.contains('\0')),
        Posted::Foreign => {}
        Posted::Unreadable(why) => assert!(!why.0.is_empty()),
    }
});
