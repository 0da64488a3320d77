//! Damaged samples: each is parsed or rejected, quickly and without a panic. The fuzzers (`cargo xtask fuzz`) search
//! further; this much is tested every time.

use std::{sync::LazyLock, time::Duration};

use proptest::{prelude::*, sample::Index};
use receiptd::{
    domain::{Cursor, Cutoffs, Draft, ListRequest, Person, Submission},
    maintenance::{ImportOptions, Layout, read_rows},
    send::check,
    webex::{Posted, SmsApi, TimeZone, signature},
};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::{
    read,
    sample::{files, in_folder},
};

/// Far longer than any of it takes, even on a busy machine.
const SOON: Duration = Duration::from_secs(5);

static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    assert!(files().len() > 100);
    ["notify", "inbound", "send"].into_iter().flat_map(in_folder).map(|fixture| fixture.body()).collect()
});

/// The texts that replace the damaged parts.
const PIECES: [&[u8]; 16] = [
    b"",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\"",
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b"{",
    b"}",
    b"[",
    b",",
    b"1e999",
    b"null",
    b"\n",
    b"\xef\xbb\xbf",
];

/// A sample in which some parts were replaced.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), 0_usize..12, prop::sample::select(PIECES.to_vec()));
    (any::<Index>(), prop::collection::vec(change, 0..6)).prop_map(|(sample, changes)| {
        let mut bytes = sample.get(&SAMPLES).clone();
        for (at, length, piece) in changes {
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..(at + length).min(bytes.len()), piece.iter().copied());
        }
        bytes
    })
}

fn soon<T>(work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
    done
}

/// Texts that some loop might start over with, again and again.
const BEGINNINGS: [&str; 20] = [
    "[",
    "{",
    "{\"a\":",
    "{\"a\":[\n",
    "[{},\n",
    "\"",
    "\\",
    "\\u0041",
    "\\ud800",
    "{\"df_payload\":\"",
    "\n,",
    "(0) 0 ",
    "0(0)",
    "+4 ",
    "%25",
    "&amp;",
    "=3D",
    "QUFB",
    "dana@",
    "\u{202A}\u{FEFF}",
];

#[test]
fn repetitive_bodies_are_read_quickly() {
    let people = ["+447700900123", "dana@example.org", "0 is no number"].map(|text| Person::new(text).unwrap());
    for beginning in BEGINNINGS {
        let body = beginning.repeat(5_000).into_bytes();
        soon(|| Posted::read_all(&body, TimeZone::UTC));
        for layout in [Layout::Csv, Layout::Json] {
            let options = ImportOptions { layout: Some(layout), ..ImportOptions::default() };
            let _ = soon(|| read_rows([b"Payload\n", body.as_slice()].concat().as_slice(), &options, |_| true));
        }
        for person in &people {
            assert!(!soon(|| person.is_named_in(&body)), "{beginning:?}");
        }
    }
}

proptest! {
    #[test]
    fn reading_a_notification_is_deterministic(body in broken()) {
        prop_assert_eq!(soon(|| read(&body)), read(&body));
    }

    #[test]
    fn elements_of_an_array_are_read_as_if_alone(bodies in prop::collection::vec(broken(), 0..4), end in "\\]?") {
        let body = [b"[", bodies.join(&b",\n"[..]).as_slice(), end.as_bytes()].concat();
        let all = soon(|| Posted::read_all(&body, TimeZone::UTC));
        prop_assert!(!all.is_empty());
        for (posted, bytes) in all {
            match read(bytes) {
                // Bodies that would be rejected alone, and bodies without a clear element.
                Posted::Foreign | Posted::Unreadable(_) => prop_assert!(matches!(posted, Posted::Unreadable(_))),
                alone => prop_assert_eq!(posted, alone),
            }
        }
    }

    #[test]
    fn a_signature_matches_only_its_secret(body in broken(), header in "(sha256=|sha512=)?[0-9a-fA-F]{0,130}") {
        let secrets = ["old", "new"].map(SecretString::from);
        prop_assert_eq!(soon(|| signature::signer(&header, &body, &secrets)), None);
        prop_assert_eq!(signature::signer(&signature::sign(&body, &secrets[1]), &body, &secrets), Some(1));
    }

    #[test]
    fn a_broken_file_is_read_up_to_the_error(rows in prop::collection::vec(broken(), 1..4), start in "(\\[|Payload\n|A\tPayload\n)?") {
        let file = [start.as_bytes(), &rows.join(&b"\n,"[..])].concat();
        for layout in [None, Some(Layout::Csv), Some(Layout::Txt), Some(Layout::Json), Some(Layout::Ndjson)] {
            let options = ImportOptions { layout, ..ImportOptions::default() };
            let mut numbers = Vec::new();
            let take = |row: receiptd::maintenance::Row| { numbers.push(row.number); true };
            let _ = soon(|| read_rows(file.as_slice(), &options, take));
            // Line numbers count empty lines too.
            prop_assert!(numbers.is_sorted_by(|a, b| a < b) && numbers.first().is_none_or(|first| *first > 0));
        }
    }

    #[test]
    fn messages_are_rejected_or_unchanged(body in broken(), channel in "(sms|email|whatsapp|voice|push|apple)") {
        let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(&body) else { return Ok(()) };
        if let Some(members) = value.as_object_mut() {
            members.insert("channel".to_owned(), channel.into());
        }
        let Ok(draft) = Draft::new(value) else { return Ok(()) };
        match soon(|| check(&draft, Some(SmsApi::V2))) {
            Ok(submission) => prop_assert_eq!(Submission::from_json(submission.to_json()), Ok(submission)),
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }

    #[test]
    fn queries_are_parsed_or_all_errors_are_reported(
        pairs in prop::collection::vec(("(status|to|since|until|limit|cursor|code|callbackData|correlationId|x)", ".{0,40}"), 0..6)
    ) {
        let pairs = || pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        match soon(|| ListRequest::parse(pairs(), &Cutoffs::default())) {
            Ok(request) => {
                let cursor = request.after.as_ref().map(Cursor::encode);
                prop_assert_eq!(cursor.as_deref().and_then(Cursor::decode), request.after);
            }
            Err(faults) => prop_assert!(faults.iter().all(|fault| !fault.pointer.is_empty() && !fault.detail.is_empty())),
        }
    }
}
