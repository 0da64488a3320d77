//! `x-hub-signature` over a body: the first line is the header, the rest the body. What we sign verifies, and what is
//! shown only does if it is that.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::webex::signature::{sign, signer};
use secrecy::SecretString;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, body) = (String::from_utf8_lossy(&input[..end]), input.get(end + 1..).unwrap_or_default());
    // As in the samples, and another.
    let secrets = ["another", "example-hub-secret-0123456789"].map(SecretString::from);
    let shown = signer(&header, body, &secrets);
    assert!(shown.is_none() || header.trim().len() >= 64);
    for (position, secret) in secrets.iter().enumerate() {
        assert_eq!(signer(&sign(body, secret), body, &secrets), Some(position));
    }
});
