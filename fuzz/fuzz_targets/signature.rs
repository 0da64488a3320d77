//! `x-hub-signature` over a body: the first line is the header, the rest the body. What we sign verifies, also if only white space
//! around the body was left out before it was signed, and what is shown only does if it is that.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use receiptd::webex::signature::{sign, signer};
use secrecy::SecretString;

/// As in the samples, and another.
static SECRETS: LazyLock<[SecretString; 2]> =
    LazyLock::new(|| ["another", "example-hub-secret-0123456789"].map(SecretString::from));

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, body) = (String::from_utf8_lossy(&input[..end]), input.get(end + 1..).unwrap_or_default());
    let shown = signer(&header, body, &*SECRETS);
    assert!(shown.is_none() || header.trim().len() >= 64);
    for (position, secret) in SECRETS.iter().enumerate() {
        let signed = sign(body, secret);
        assert_eq!(signer(&signed, body, &*SECRETS), Some(position));
        let digits = signed.trim_start_matches("sha256=").to_uppercase();
        assert_eq!(signer(&format!(" {digits} "), body, &*SECRETS), Some(position));
        // As JavaScript trims a text.
        let trimmed =
            str::from_utf8(body).map(|text| text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}'));
        let trimmed = trimmed.map_or(body.trim_ascii(), str::as_bytes);
        assert_eq!(signer(&sign(trimmed, secret), body, &*SECRETS), Some(position));
        // One more byte is another body.
        assert_eq!(signer(&signed, &[body, b"}"].concat(), &*SECRETS), None);
    }
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) {
        // However it is laid out, its compact form signs it.
        let pretty = format!("{json:#}\n");
        let compact = json.to_string();
        assert_eq!(signer(&sign(compact.as_bytes(), &SECRETS[1]), pretty.as_bytes(), &*SECRETS), Some(1));
    }
});
