//! Test values: a secret for each setting of a secret, and personal data.

use std::{cell::RefCell, fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use harness::{
    Answer,
    certificates::{Authority, Files, Pair},
};

/// Each secret, with the variable that sets it.
pub(super) const SECRETS: [(&str, &str); 7] = [
    ("RECEIPTD_API_TOKENS", "ops:admin:planted-api-token,clerk:read:planted-read-token"),
    ("RECEIPTD_NOTIFY__PATH_TOKEN", "planted-path-token"),
    ("RECEIPTD_NOTIFY__HUB_SECRETS", "planted-hub-secret,planted-old-hub-secret"),
    ("RECEIPTD_NOTIFY__BASIC", "planted-user:planted-basic"),
    ("RECEIPTD_NOTIFY__BEARER", "planted-bearer-token"),
    ("RECEIPTD_WEBEX__SERVICE_KEY", "planted-service-key"),
    ("RECEIPTD_WEBEX__SERVICE_ID", "planted-service-id"),
];

/// The secret of a service, which is base64.
pub(super) const SERVICE_SECRET: (&str, &str) = ("RECEIPTD_WEBEX__SERVICE_SECRET", "cGxhbnRlZC1zZXJ2aWNlLXNlY3JldA==");

/// The persons and the contents of the messages.
const PERSONAL: [&str; 6] =
    ["7700900777", "planted.dana", "planted words", "planted callback", "planted sender", "planted garbage"];

/// The entry of `SECRETS` for this variable.
pub(super) fn secret(variable: &str) -> (&str, &'static str) {
    let (_, value) = SECRETS.into_iter().chain([SERVICE_SECRET]).find(|(name, _)| *name == variable).unwrap();
    (variable, value)
}

/// A certificate, whose key is another secret, and all answers so far.
pub(super) struct Planted {
    pub(super) authority: Authority,
    pub(super) pair: Pair,
    pub(super) files: Files,
    said: RefCell<Vec<(String, String)>>,
}

impl Planted {
    pub(super) fn in_folder(folder: &Path) -> Self {
        let authority = Authority::new();
        let pair = authority.issues(2091);
        Self { files: Files::of(&pair, folder), pair, authority, said: RefCell::default() }
    }

    /// A secret in its own file: the variable that names the file, and its path.
    pub(super) fn file(folder: &Path, (variable, value): (&str, &str)) -> (String, String) {
        let path = folder.join(variable);
        fs::write(&path, value).unwrap();
        (format!("{variable}_FILE"), path.to_str().unwrap().to_owned())
    }

    /// Every answer passes through here: none of them may contain a secret.
    pub(super) fn heard(&self, answer: Answer) -> Answer {
        let said = format!("{:?} {}", answer.headers, answer.body);
        self.said.borrow_mut().push((answer.request.clone(), said));
        answer
    }

    /// Checks that a public text contains neither a secret nor personal data.
    pub(super) fn is_not_in(&self, place: &str, text: &str) {
        self.no_secret_is_in(place, text);
        for planted in PERSONAL {
            not_in(planted, place, text);
        }
    }

    /// Checks that neither any answer so far nor this text contains a secret.
    pub(super) fn no_secret_is_in(&self, place: &str, text: &str) {
        let said = self.said.take();
        let places = said.iter().map(|(request, said)| (request.as_str(), said.as_str())).chain([(place, text)]);
        for (place, text) in places {
            // The secrets, the values that were sent instead, and passwords of databases.
            not_in("planted-", place, text);
            // As bytes, in base64, and as the beginning of a token that was made from them.
            not_in("112, 108, 97, 110, 116, 101, 100, 45", place, text);
            not_in(&BASE64_STANDARD.encode("planted-user:planted-basic"), place, text);
            not_in(SERVICE_SECRET.1, place, text);
            not_in("eyJ", place, text);
            for line in self.pair.key.lines().filter(|line| !line.starts_with("---")) {
                not_in(line, place, text);
            }
        }
    }
}

#[track_caller]
fn not_in(planted: &str, place: &str, text: &str) {
    let line = text.lines().find(|line| line.contains(planted));
    assert_eq!(line, None, "{planted} in {place}");
}
