//! `x-hub-signature` over a body: the first line of the input is the header, the rest is the body. A signature is valid for the body
//! that was signed, also if the signer left out white space around it. Any other header is not valid.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use receiptd::webex::signature::{sign, signer};
use secrecy::SecretString;

/// The secret of the samples, and another one.
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
        // JavaScript trims these characters.
        let trimmed =
            str::from_utf8(body).map(|text| text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}'));
        let trimmed = trimmed.map_or(body.trim_ascii(), str::as_bytes);
        assert_eq!(signer(&sign(trimmed, secret), body, &*SECRETS), Some(position));
        // One more byte is another body.
        assert_eq!(signer(&signed, &[body, b"}"].concat(), &*SECRETS), None);
    }
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) {
        // A signature of the compact form is valid for every layout of the body.
        let pretty = format!("{json:#}\n");
        let compact = json.to_string();
        assert_eq!(signer(&sign(compact.as_bytes(), &SECRETS[1]), pretty.as_bytes(), &*SECRETS), Some(1));
    }
});
