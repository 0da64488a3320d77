//! Bodies that are arrays. Each element keeps its own bytes, in their order, and is read as it is alone.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::webex::{Posted, TimeZone};

fuzz_target!(|body: &[u8]| {
    let all = Posted::read_all(body, TimeZone::UTC);
    assert!(!all.is_empty());
    let mut end = body.as_ptr();
    for (posted, bytes) in &all {
        let range = bytes.as_ptr_range();
        assert!(range.start >= end && range.end <= body.as_ptr_range().end);
        end = range.end;
        match Posted::read(bytes, TimeZone::UTC) {
            Posted::Unreadable(_) => assert!(matches!(posted, Posted::Unreadable(_))),
            // As the only body, it would be refused.
            Posted::Foreign => assert!(matches!(posted, Posted::Foreign | Posted::Unreadable(_))),
            alone => assert_eq!(*posted, alone),
        }
    }
});
