//! Messages that others ask us to send, one a line. What passes the checks is the same after it was stored.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::{
    domain::{Draft, Submission},
    send::check,
    webex::SmsApi,
};

fuzz_target!(|body: &[u8]| {
    for line in body.split(|byte| *byte == b'\n') {
        let Ok(value) = serde_json::from_slice(line) else { continue };
        let Ok(draft) = Draft::new(value) else { continue };
        for api in [None, Some(SmsApi::V2), Some(SmsApi::V1), Some(SmsApi::SmsV1)] {
            match check(&draft, api) {
                Ok(submission) => assert_eq!(Submission::from_json(submission.to_json()), Ok(submission)),
                Err(faults) => assert!(!faults.is_empty()),
            }
        }
    }
});
