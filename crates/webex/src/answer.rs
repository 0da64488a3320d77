//! The platform's answers to a send request.
//!
//! In v1 the member `response` is an object or an array, for success and for errors, and the HTTP status is 200 for
//! both. So the code decides, not the HTTP status.

use std::{borrow::Cow, collections::HashMap};

use receiptd_domain::{CorrelationId, TransactionId};
use serde_json::value::RawValue;

use super::{fields::Fields, json};

/// An answer of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It queued the message.
    Accepted(Option<TransactionId>),
    /// It rejected the message.
    Rejected {
        /// Its code. A rejected call (v2 voice) has none.
        code: Option<String>,
        /// Its text.
        text: Option<String>,
    },
    /// The answer has no documented form.
    Unreadable,
}

/// The codes for an accepted message (help.webexconnect.io/docs/references-api-codes).
const QUEUED: [&str; 2] = ["1001", "1002"];

/// The id in an answer of an API other than v1. The Voice API v1 identifies a call by its session
/// (developers.webexconnect.io/reference/voice-only-api-v1-make-outbound-calls).
const IDS: [&str; 2] = ["messageId", "sessionId"];

impl Answer {
    /// Reads the body of an answer to one message, of any version of the API.
    pub fn read(body: &[u8]) -> Self {
        json::read(body, |root| Fields::of(root).map_or(Self::Unreadable, |root| one(&root)))
            .unwrap_or(Self::Unreadable)
    }

    /// Reads the body of an answer to the messages with these ids, and returns the answer to each, in their order.
    ///
    /// An array has an entry for each message (developers.webexconnect.io/reference/api-faqs). An entry belongs to the
    /// message of its `correlationid`. If that is empty, it belongs to the message at its index, if there are as many
    /// entries as messages. The documents do not say how a partly rejected batch is answered, so a message without an
    /// entry counts as not answered. An object is the answer to all messages.
    pub fn read_all(body: &[u8], ids: &[&CorrelationId]) -> Vec<Self> {
        let all = |answer: Self| vec![answer.shared_by(ids.len()); ids.len()];
        let read = |root: &RawValue| {
            let Some(root) = Fields::of(root) else { return all(Self::Unreadable) };
            match root.get(&["response"]).and_then(json::array) {
                Some(list) if ids.len() > 1 => each(&list, ids),
                _ => all(one(&root)),
            }
        };
        json::read(body, read).unwrap_or_else(|_| all(Self::Unreadable))
    }

    /// The answer for each of `messages`. A transaction id would belong to only one of several messages.
    fn shared_by(self, messages: usize) -> Self {
        match self {
            Self::Accepted(_) if messages > 1 => Self::Accepted(None),
            other => other,
        }
    }
}

fn one(root: &Fields<'_>) -> Answer {
    let Some(response) = root.get(&["response"]) else { return v2(root) };
    let object = json::array(response).map_or(Some(response), |list| list.first().copied());
    object.and_then(Fields::of).map_or(Answer::Unreadable, |response| v1(&response))
}

fn each(list: &[&RawValue], ids: &[&CorrelationId]) -> Vec<Answer> {
    let entries: Vec<_> = list.iter().map(|entry| Fields::of(entry)).collect();
    let id_of = |entry: &Fields<'_>| entry.text(&["correlationid"]).map(Cow::into_owned);
    let named: HashMap<_, _> = entries.iter().flatten().filter_map(|entry| Some((id_of(entry)?, entry))).collect();
    // If an entry is missing, the indexes prove nothing.
    let is_whole = list.len() == ids.len();
    let nameless = entries.iter().map(|entry| entry.as_ref().filter(|entry| is_whole && id_of(entry).is_none()));
    let places = nameless.chain(std::iter::repeat(None));
    let answers = ids.iter().zip(places).map(|(id, place)| named.get(id.as_str()).copied().or(place));
    answers.map(|entry| entry.map_or(Answer::Unreadable, v1)).collect()
}

/// The code of an answer. All codes of the platform have four digits (help.webexconnect.io/docs/references-api-codes).
/// A gateway in front of it may answer with a `code` too, which is an HTTP status or a word.
fn code(fields: &Fields<'_>) -> Option<String> {
    fields.owned(&["code"]).filter(|code| code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit()))
}

fn v1(response: &Fields<'_>) -> Answer {
    match code(response) {
        Some(code) if QUEUED.contains(&code.as_str()) => accepted(response, &["transid"]),
        code @ Some(_) => Answer::Rejected { code, text: response.owned(&["description"]) },
        None => Answer::Unreadable,
    }
}

fn v2(root: &Fields<'_>) -> Answer {
    if let Some(code) = code(root) {
        return Answer::Rejected { code: Some(code), text: root.owned(&["message"]) };
    }
    let status = root.text(&["status"]).map(|status| status.to_lowercase());
    match (root.has(&IDS), status.as_deref()) {
        (true, None | Some("queued")) => accepted(root, &IDS),
        (_, Some("rejected" | "failed")) => Answer::Rejected { code: None, text: root.owned(&["status"]) },
        _ => Answer::Unreadable,
    }
}

fn accepted(fields: &Fields<'_>, names: &[&str]) -> Answer {
    Answer::Accepted(fields.text(names).and_then(|id| TransactionId::new(&id).ok()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            Answer::read(include_bytes!(concat!("../../../tests/fixtures/send-response/", $name, ".json")))
        };
    }

    fn accepted_as(id: &str) -> Answer {
        Answer::Accepted(Some(TransactionId::new(id).unwrap()))
    }

    fn rejected(code: &str, text: &str) -> Answer {
        Answer::Rejected { code: Some(code.to_owned()), text: Some(text.to_owned()) }
    }

    #[test]
    fn acceptance_is_read_in_each_version_and_form() {
        let v1 = "5c14b618-dc88-473c-a1b3-c177cb1b0ea1";
        assert_eq!(fixture!("v1-accepted"), accepted_as(v1));
        assert_eq!(fixture!("v1-accepted-burst"), accepted_as(v1));
        assert_eq!(fixture!("v1-accepted-with-correlationid"), accepted_as(v1));
        assert_eq!(Answer::read(br#"{"response":{"code":1001,"transid":"t"}}"#), accepted_as("t"));
        assert_eq!(fixture!("v2-accepted"), accepted_as("e0c6e0fe-000a-491b-8657-6f22b5a44fcf"));
        assert_eq!(fixture!("sms-v1-accepted"), accepted_as("051030ee-b7a3-4f35-b305-4c9c83d3f473"));
        assert_eq!(fixture!("voice-v1-accepted"), accepted_as("205671a1-818d-4f8a-baa8-0dedd3d68862"));
    }

    #[test]
    fn rejection_is_read_in_each_version_and_form() {
        assert_eq!(fixture!("v1-error-7000"), rejected("7000", "Invalid JSON"));
        assert_eq!(fixture!("v1-error-7000-no-transid"), rejected("7000", "Invalid request"));
        assert_eq!(fixture!("v1-error-7020"), rejected("7020", "You have reached maximum transaction limit"));
        assert_eq!(fixture!("v2-error-7004"), rejected("7004", "Invalid parameter - sendAt"));
        assert_eq!(fixture!("sms-v1-error-7006"), rejected("7006", "Internal error"));
        assert_eq!(Answer::read(br#"{"code":8000,"message":"x"}"#), rejected("8000", "x"));
        assert_eq!(fixture!("v2-voice-rejected"), Answer::Rejected { code: None, text: Some("Rejected".to_owned()) });
    }

    #[test]
    fn any_other_answer_is_unreadable() {
        for body in [
            "",
            "OK",
            "[]",
            "{}",
            r#"{"response":[]}"#,
            r#"{"response":"x"}"#,
            r#"{"status":"queued"}"#,
            // Answers of gateways instead of the platform.
            r#"{"code":404,"message":"HTTP 404 Not Found"}"#,
            r#"{"code":"NOT_FOUND","message":"no route"}"#,
            r#"{"code":5,"message":"Not Found","details":[]}"#,
        ] {
            assert_eq!(Answer::read(body.as_bytes()), Answer::Unreadable, "{body}");
        }
    }

    fn ids(texts: &[&str]) -> Vec<CorrelationId> {
        texts.iter().map(|text| CorrelationId::new(text).unwrap()).collect()
    }

    fn read_all(body: &[u8], texts: &[&str]) -> Vec<Answer> {
        Answer::read_all(body, &ids(texts).iter().collect::<Vec<_>>())
    }

    #[test]
    fn answers_to_a_batch_are_matched_by_id_and_otherwise_by_index() {
        let bulk = include_bytes!("../../../tests/fixtures/send-response/v1-accepted-bulk.json");
        let [first, second] = ["d54da2fe-c973-49fa-a6d3-f80c719e5ce2", "858f8030-9389-4c59-90cc-55eefa0c3040"];
        let base = "5c14b618-dc88-473c-a1b3-c177cb1b0ea1";
        let [plain, one, two] = ["", "_1", "_2"].map(|suffix| accepted_as(&format!("{base}{suffix}")));
        assert_eq!(read_all(bulk, &[first, second, "third"]), [plain.clone(), one.clone(), two]);
        // The ids decide, in any order. The index of the third message is taken, and it has no entry.
        assert_eq!(read_all(bulk, &[second, "third", first]), [one.clone(), Answer::Unreadable, plain.clone()]);
        assert_eq!(read_all(bulk, &[second, first]), [one, plain]);
    }

    #[test]
    fn an_object_is_the_answer_to_the_whole_batch() {
        let limit = include_bytes!("../../../tests/fixtures/send-response/v1-error-7020.json");
        let rejection = rejected("7020", "You have reached maximum transaction limit");
        assert_eq!(read_all(limit, &["a", "b"]), [rejection.clone(), rejection]);
        let accepted = br#"{"response":{"code":"1001","transid":"t"}}"#;
        assert_eq!(read_all(accepted, &["a", "b"]), [Answer::Accepted(None), Answer::Accepted(None)]);
        assert_eq!(read_all(accepted, &["a"]), [accepted_as("t")]);
        assert_eq!(read_all(b"OK", &["a", "b"]), [Answer::Unreadable, Answer::Unreadable]);
    }

    proptest! {
        /// The entry of each message contains its id as code. Entries may be missing, and may be in any order.
        #[test]
        fn a_message_never_gets_the_answer_to_another(
            entries in Just((0..6).collect::<Vec<_>>()).prop_shuffle(),
            (present, named) in (0_usize..=6, any::<[bool; 6]>()),
        ) {
            let texts: Vec<_> = (0..6).map(|n| (7000 + n).to_string()).collect();
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            // Without ids, only in their own order, as documented.
            let entries = if named == [true; 6] { entries } else { (0..6).collect() };
            let entry = |n: &usize| json!({ "code": texts[*n], "correlationid": if named[*n] { texts[*n] } else { "" } });
            let list: Vec<_> = entries.iter().take(present).map(entry).collect();
            let body = json!({ "response": list }).to_string();
            for (n, answer) in read_all(body.as_bytes(), &texts).into_iter().enumerate() {
                let is_there = entries.iter().take(present).any(|entry| *entry == n) && (named[n] || present == 6);
                let own = Answer::Rejected { code: Some(texts[n].to_owned()), text: None };
                prop_assert_eq!(answer, if is_there { own } else { Answer::Unreadable });
            }
        }
    }
}
