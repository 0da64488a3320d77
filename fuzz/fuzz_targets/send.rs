//! Messages to send, one on each line. A message that passes the checks is the same after it was stored, and becomes a request that
//! contains the recipient and the notify URL.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::{
    domain::{Draft, Submission, Timestamp},
    send::check,
    webex::{
        NotifyUrl, SmsApi,
        request::{Request, Tenant, Tracking},
    },
};

const NOTIFY_URL: &str = "https://hooks.example.com/notify";

fn request(message: &Submission, sms_api: SmsApi, plus_sign: bool) -> Request {
    let notify_url = NotifyUrl::new(NOTIFY_URL).expect("a URL");
    let tenant = Tenant { tracking: Tracking { notify_url, auth_id: None }, sms_api, plus_sign };
    Request::new(message, &tenant, Timestamp::default())
}

fuzz_target!(|body: &[u8]| {
    for line in body.split(|byte| *byte == b'\n') {
        let Ok(value) = serde_json::from_slice(line) else { continue };
        let Ok(draft) = Draft::new(value) else { continue };
        for api in [None, Some(SmsApi::V2), Some(SmsApi::V1), Some(SmsApi::SmsV1)] {
            match check(&draft, api) {
                Ok(submission) => {
                    assert_eq!(Submission::from_json(submission.to_json()).as_ref(), Ok(&submission));
                    assert!(!submission.recipient.ids.is_empty());
                    for plus_sign in [false, true] {
                        let text = request(&submission, api.unwrap_or_default(), plus_sign).body.to_string();
                        assert!(text.contains(NOTIFY_URL));
                        // In JSON, as in a text.
                        let ids = submission.recipient.ids.iter().map(|id| serde_json::json!(id).to_string());
                        assert!(ids.into_iter().any(|id| text.contains(id.trim_matches('"'))));
                    }
                }
                Err(faults) => {
                    assert!(!faults.is_empty());
                    assert!(faults.iter().all(|fault| !fault.detail.is_empty()));
                }
            }
        }
    }
});
