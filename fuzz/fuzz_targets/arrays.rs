//! Bodies that are arrays. Each element keeps its own bytes and its place, and is read as if it had been posted alone. Nothing
//! between the elements is lost. A valid JSON array has the elements that any JSON parser finds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::{
    domain::{Source, Timestamp},
    webex::{Posted, TimeZone},
};
use serde_json::value::RawValue;

/// Whether these bytes may stand between elements.
fn is_between(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.chars().all(|c| "[], \t\r\n\u{c}\u{FEFF}".contains(c))
}

/// The elements of an array and of the arrays within it, up to the depth at which every parser stops.
fn flat<'a>(array: &'a RawValue, found: &mut Vec<&'a str>, depth: usize) -> Option<()> {
    for element in serde_json::from_str::<Vec<&RawValue>>(array.get()).ok()? {
        match element.get() {
            inner if inner.starts_with('[') => flat(element, found, depth.checked_sub(1)?)?,
            inner => found.push(inner),
        }
    }
    Some(())
}

fuzz_target!(|body: &[u8]| {
    let all = Posted::read_all(body, TimeZone::UTC);
    assert!(!all.is_empty());
    let (mut rest, mut arrivals) = (body, 0);
    for (posted, bytes) in &all {
        let start = bytes.as_ptr().addr() - body.as_ptr().addr();
        let before = start - (body.len() - rest.len());
        assert!(is_between(&rest[..before]));
        rest = &body[start + bytes.len()..];
        match Posted::read(bytes, TimeZone::UTC) {
            Posted::Unreadable(_) => assert!(matches!(posted, Posted::Unreadable(_))),
            // If it were the whole body, it would be refused.
            Posted::Foreign => assert!(matches!(posted, Posted::Foreign | Posted::Unreadable(_))),
            alone => assert_eq!(*posted, alone),
        }
        let arrival = posted.clone().arrival(bytes.to_vec(), Source::Notify, Timestamp::default());
        assert_eq!(arrival.as_posted().2, *bytes);
        arrivals += usize::from(*posted != Posted::Foreign);
    }
    assert!(is_between(rest));
    assert!(arrivals == all.len() || (arrivals == 0 && all.len() == 1));
    let mut found = Vec::new();
    if let Ok(json) = serde_json::from_slice::<&RawValue>(body)
        && json.get().starts_with('[')
        && flat(json, &mut found, 100).is_some()
        && (1..=10_000).contains(&found.len())
    {
        assert!(all.iter().map(|(_, bytes)| *bytes).eq(found.iter().map(|text| text.as_bytes())));
    }
});
