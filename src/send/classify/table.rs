//! The outcome table: what an attempt means for the message if the platform did not clearly accept it.
//!
//! The rule behind it: a message is tried again only if it is certain that the platform does not have it. If the
//! platform may have it, the outcome is unknown, and a later notification settles it. The first row that applies
//! decides:
//!
//! | How it ended | Means |
//! | --- | --- |
//! | no connection: no address, no TCP, no TLS, or not in time | later; nothing was sent, and no other message could be |
//! | no answer: timed out, or the connection broke off | unknown |
//! | acceptance in a documented form | accepted, whatever the HTTP status |
//! | rejection with a code in [`CODES`] | that row |
//! | rejection with a code in `webex/codes.tsv` | its class |
//! | rejection, otherwise | the row of [`STATUSES`], if that is "later" for another reason than an unexpected answer; otherwise rejected, and it is unclear whether permanently |
//! | an answer that broke off | the row of [`STATUSES`]; after a rejection or an unexpected answer, the message is tried again, since the reason was lost |
//! | an answer in no documented form | the row of [`STATUSES`]; a bare 404 comes from a wrong address or from a proxy, and does not reject the message |
//!
//! To change what a code means, add a row here only if its class is not specific enough.

use std::ops::RangeInclusive;

use super::Cause;
use crate::{
    domain::{Channel, Failure},
    webex::codes::{self, Class},
};

/// A cell of the table: what to do with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The platform rejected the message.
    Rejected(Failure),
    /// The platform does not have the message, and may accept it later.
    Later(Cause),
    /// The platform may have the message.
    Unknown,
}

use Verdict::{Later, Rejected, Unknown};

/// Codes of `codes.tsv` whose class is not specific enough, with the verdict for a rejection. A row with words applies
/// only if the platform's text contains them, for codes with two meanings
/// (help.webexconnect.io/docs/references-api-codes).
const CODES: &[(&str, Option<&str>, Verdict)] = &[
    // Authentication failed because of a bad key; the service key is missing.
    ("7001", None, Later(Cause::Credentials)),
    ("7002", None, Later(Cause::Credentials)),
    // The service is inactive: it is that of our key, so all messages share it.
    ("7007", None, Later(Cause::Credentials)),
    // The tenant's list of allowed addresses does not contain ours
    // (help.webexconnect.io/changelog/product-update-v6200-july-2026).
    ("7010", Some("source ip"), Later(Cause::Credentials)),
    ("7127", None, Later(Cause::Credentials)),
    ("7208", Some("source ip"), Later(Cause::Credentials)),
    // The tenant's rate is exceeded; its rate is exceeded and its burst is used up
    // (`rate-limits-for-messaging-apis-…`).
    ("7020", None, Later(Cause::Rate)),
];

/// The meaning of an HTTP status by itself. The first row that contains it applies.
const STATUSES: &[(RangeInclusive<u16>, Verdict)] = &[
    // Redirects are not followed, and mean a wrong base URL.
    (300..=399, Later(Cause::Unexpected)),
    // 401 has no body (developers.webexconnect.io/reference/send-sms-message-api-v2). 403 means an unknown customer, or
    // one over quota (developers.webexconnect.io/reference/mms-api).
    (401..=401, Later(Cause::Credentials)),
    (403..=403, Later(Cause::Credentials)),
    // Whichever side was too slow, the request may have been read completely.
    (408..=408, Unknown),
    // It is listed (developers.webexconnect.io/reference/mms-api) without saying what is in conflict.
    (409..=409, Rejected(Failure::Unclear)),
    // A proxy in between limits the size; another message may be small enough.
    (413..=413, Rejected(Failure::Permanent)),
    (429..=429, Later(Cause::Rate)),
    // The platform gives its reason with every other rejection. Without a reason, the path does not belong to the
    // platform, or a proxy answers in its place.
    (400..=499, Later(Cause::Unexpected)),
    // No other server error means that the request was not carried out.
    (503..=503, Later(Cause::Transient)),
];

/// The verdict for an answer in no documented form.
pub(super) fn of_status(status: u16) -> Verdict {
    STATUSES.iter().find(|(range, _)| range.contains(&status)).map_or(Unknown, |(_, verdict)| *verdict)
}

/// The verdict for an answer that broke off after its head.
pub(super) fn of_head(status: u16) -> Verdict {
    match of_status(status) {
        Rejected(_) | Later(Cause::Unexpected) => Later(Cause::Transient),
        other => other,
    }
}

/// The verdict for a rejection in a documented form.
pub(super) fn of_rejection(status: u16, code: Option<&str>, text: Option<&str>, channel: &Channel) -> Verdict {
    let text = text.unwrap_or_default().to_lowercase();
    let row = CODES.iter().find(|(known, words, _)| Some(*known) == code && words.is_none_or(|w| text.contains(w)));
    if let Some((_, _, verdict)) = row {
        return *verdict;
    }
    match code.and_then(|code| codes::find(Some(channel), code)).map(|code| code.class) {
        Some(Class::Permanent) => Rejected(Failure::Permanent),
        Some(Class::Transient) => Later(Cause::Transient),
        Some(Class::Unclear) => Rejected(Failure::Unclear),
        // The code means success, or work in progress, which is not documented for a rejection.
        Some(_) => Unknown,
        None => match of_status(status) {
            // The answer has the platform's form, so it is not unexpected.
            later @ Later(cause) if cause != Cause::Unexpected => later,
            _ => Rejected(Failure::Unclear),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSIENT: Verdict = Later(Cause::Transient);
    const RATE: Verdict = Later(Cause::Rate);
    const CREDENTIALS: Verdict = Later(Cause::Credentials);
    const UNEXPECTED: Verdict = Later(Cause::Unexpected);
    const PERMANENT: Verdict = Rejected(Failure::Permanent);
    const UNCLEAR: Verdict = Rejected(Failure::Unclear);

    /// Every code that is documented for the answer to a send request, except those of acceptance.
    const DOCUMENTED: &[(Verdict, &[&str])] = &[
        (CREDENTIALS, &["7001", "7002", "7007", "7127"]),
        (RATE, &["7020"]),
        (TRANSIENT, &["7005", "7006", "7019", "7103", "7113", "7208", "9004", "9006"]),
        (
            PERMANENT,
            &[
                "7000", "7003", "7004", "7008", "7009", "7022", "7025", "7026", "7101", "7102", "7104", "7105", "7106",
                "7107", "7108", "7109", "7110", "7111", "7112", "7114", "7115", "7116", "7117", "7118", "7119", "7120",
                "7126", "9000", "9001", "9002", "9003", "9005", "9007", "9010",
            ],
        ),
        // 8000 is documented without a meaning; the others belong to status queries and to a channel that no longer
        // exists.
        (
            UNCLEAR,
            &[
                "7010", "7011", "7016", "7121", "7600", "7601", "7602", "7603", "7608", "7609", "7610", "7611", "7618",
                "7627", "7628", "7629", "7630", "7631", "7632", "7633", "7634", "7635", "7636", "7637", "7638", "7639",
                "7640", "7641", "7642", "7643", "8000",
            ],
        ),
    ];

    #[test]
    fn every_documented_code_has_its_meaning_whatever_the_status() {
        for (verdict, codes) in DOCUMENTED {
            for code in *codes {
                for status in [200, 400] {
                    assert_eq!(of_rejection(status, Some(code), None, &Channel::Sms), *verdict, "{code}");
                }
            }
        }
        assert_eq!(of_rejection(201, Some("8009"), None, &Channel::Voice), PERMANENT);
        // A code takes precedence over the status.
        assert_eq!(of_rejection(403, Some("7004"), None, &Channel::Sms), PERMANENT);
        assert_eq!(of_rejection(500, Some("7006"), None, &Channel::Sms), TRANSIENT);
        assert_eq!(of_rejection(400, Some("7020"), None, &Channel::Sms), RATE);
    }

    #[test]
    fn the_text_decides_between_two_meanings_of_a_code() {
        for (code, text, verdict) in [
            ("7010", "Source IP is not in the allowed list", CREDENTIALS),
            ("7010", "Service provider exception", UNCLEAR),
            ("7208", "Source ip is not in the allowed list", CREDENTIALS),
            ("7208", "Message expired", TRANSIENT),
        ] {
            assert_eq!(of_rejection(200, Some(code), Some(text), &Channel::Sms), verdict, "{code} {text}");
        }
    }

    #[test]
    fn every_status_has_its_meaning() {
        // The verdicts for a body in no documented form, for the head alone, and for a rejection with an unknown code.
        for (status, bare, cut, rejected) in [
            (200, Unknown, Unknown, UNCLEAR),
            (201, Unknown, Unknown, UNCLEAR),
            (202, Unknown, Unknown, UNCLEAR),
            (301, UNEXPECTED, TRANSIENT, UNCLEAR),
            (307, UNEXPECTED, TRANSIENT, UNCLEAR),
            (400, UNEXPECTED, TRANSIENT, UNCLEAR),
            (401, CREDENTIALS, CREDENTIALS, CREDENTIALS),
            (403, CREDENTIALS, CREDENTIALS, CREDENTIALS),
            (404, UNEXPECTED, TRANSIENT, UNCLEAR),
            (405, UNEXPECTED, TRANSIENT, UNCLEAR),
            (407, UNEXPECTED, TRANSIENT, UNCLEAR),
            (410, UNEXPECTED, TRANSIENT, UNCLEAR),
            (408, Unknown, Unknown, UNCLEAR),
            (409, UNCLEAR, TRANSIENT, UNCLEAR),
            (413, PERMANENT, TRANSIENT, UNCLEAR),
            (429, RATE, RATE, RATE),
            (500, Unknown, Unknown, UNCLEAR),
            (502, Unknown, Unknown, UNCLEAR),
            (503, TRANSIENT, TRANSIENT, TRANSIENT),
            (504, Unknown, Unknown, UNCLEAR),
        ] {
            assert_eq!(of_status(status), bare, "{status}");
            assert_eq!(of_head(status), cut, "{status}, incomplete");
            assert_eq!(of_rejection(status, Some("4711"), None, &Channel::Sms), rejected, "{status}, unknown code");
        }
        // A call that v2 rejects has no code.
        assert_eq!(of_rejection(201, None, Some("Rejected"), &Channel::Voice), UNCLEAR);
    }

    #[test]
    fn a_success_code_in_a_rejection_means_unknown() {
        for code in ["7500", "7501", "7502"] {
            assert_eq!(of_rejection(200, Some(code), None, &Channel::Sms), Unknown);
        }
    }

    #[test]
    fn each_row_of_the_table_is_needed() {
        for (code, words, verdict) in CODES {
            let class = codes::find(None, code).map(|code| code.class);
            let by_class = match class {
                Some(Class::Transient) => TRANSIENT,
                Some(Class::Unclear) => UNCLEAR,
                _ => PERMANENT,
            };
            assert!(class.is_some() && by_class != *verdict, "{code} {words:?}");
        }
    }
}
