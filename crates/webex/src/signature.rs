//! `x-hub-signature`: an HMAC over the body (help.webexconnect.io/docs/outbound-webhooks).

use hmac::{Hmac, KeyInit, Mac};
use receiptd_domain::BodySignature;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Sha256, Sha512};

/// The name of the header.
pub const HEADER: &str = "x-hub-signature";

/// The index in `secrets` of the secret that signed `body` with `header`. `None` if there is none.
///
/// The header is hexadecimal, SHA-256 or SHA-512, with or without the prefix `sha256=` or `sha512=`. The documents show
/// only the first form. They say that white space is trimmed from the payload before it is signed, but not where. So
/// three forms of the body are tried: the bytes as received, the bytes without white space at both ends, and compact
/// JSON. Comparisons take constant time.
pub fn signer(header: &str, body: &[u8], secrets: &[SecretString]) -> Option<usize> {
    let digest = Digest::parse(header)?;
    let trimmed = trimmed(body);
    let changed = |now: &[u8], before: &[u8]| now.len() != before.len();
    digest
        .signer(body, secrets)
        .or_else(|| changed(trimmed, body).then(|| digest.signer(trimmed, secrets)).flatten())
        .or_else(|| {
            let compact = compact(trimmed);
            changed(&compact, trimmed).then(|| digest.signer(&compact, secrets)).flatten()
        })
}

/// The bytes in the header. `None` if it is not a signature.
pub fn read(header: &str) -> Option<BodySignature> {
    let (Digest::Sha256(bytes) | Digest::Sha512(bytes)) = Digest::parse(header)?;
    BodySignature::from_bytes(&bytes)
}

/// Whether one of `secrets` has signed the body.
pub fn is_by_any(signature: &BodySignature, body: &[u8], secrets: &[SecretString]) -> bool {
    signer(&hex::encode(signature.as_bytes()), body, secrets).is_some()
}

/// Without white space at both ends, like `trim` of JavaScript, which also removes a byte order mark.
fn trimmed(body: &[u8]) -> &[u8] {
    let is_blank = |c: char| c.is_whitespace() || c == '\u{FEFF}';
    str::from_utf8(body).map_or_else(|_| body.trim_ascii(), |text| text.trim_matches(is_blank).as_bytes())
}

/// The header with which the platform would sign `body`.
pub fn sign(body: &[u8], secret: &SecretString) -> String {
    let digest = mac::<Hmac<Sha256>>(body, secret).map(|mac| mac.finalize().into_bytes());
    format!("sha256={}", digest.map(hex::encode).unwrap_or_default())
}

enum Digest {
    Sha256(Vec<u8>),
    Sha512(Vec<u8>),
}

impl Digest {
    fn parse(header: &str) -> Option<Self> {
        let header = header.trim();
        let (named, digits) = match header.split_once('=') {
            Some((name, digits)) => (Some(name.to_ascii_lowercase()), digits),
            None => (None, header),
        };
        let bytes = hex::decode(digits).ok()?;
        match (named.as_deref(), bytes.len()) {
            (None | Some("sha256"), 32) => Some(Self::Sha256(bytes)),
            (None | Some("sha512"), 64) => Some(Self::Sha512(bytes)),
            _ => None,
        }
    }

    fn signer(&self, body: &[u8], secrets: &[SecretString]) -> Option<usize> {
        secrets.iter().position(|secret| match self {
            Self::Sha256(tag) => mac::<Hmac<Sha256>>(body, secret).is_some_and(|mac| mac.verify_slice(tag).is_ok()),
            Self::Sha512(tag) => mac::<Hmac<Sha512>>(body, secret).is_some_and(|mac| mac.verify_slice(tag).is_ok()),
        })
    }
}

/// The secret is used as UTF-8 text, as in the platform's sample script. HMAC accepts keys of any length.
fn mac<M: Mac + KeyInit>(body: &[u8], secret: &SecretString) -> Option<M> {
    let mac = <M as KeyInit>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    Some(mac.chain_update(body))
}

/// JSON without the white space outside of its strings. The order and the escapes stay as they are.
fn compact(body: &[u8]) -> Vec<u8> {
    let (mut in_string, mut escaped) = (false, false);
    let mut keep = |byte: u8| {
        let kept = in_string || !byte.is_ascii_whitespace();
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
        kept
    };
    body.iter().copied().filter(|byte| keep(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().copied().map(SecretString::from).collect()
    }

    #[test]
    fn the_vectors_verify_in_every_form_of_the_header() {
        let vectors: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/fixtures/signature-vectors.json")).unwrap();
        for vector in vectors {
            let text = |name: &str| vector[name].as_str().unwrap();
            let keys = secrets(&["another", text("secret")]);
            let body = text("body").as_bytes();
            for (prefix, hex) in [("sha256=", text("sha256_hex")), ("sha512=", text("sha512_hex"))] {
                for header in [format!("{prefix}{hex}"), hex.to_owned(), hex.to_uppercase()] {
                    assert_eq!(signer(&header, body, &keys), Some(1), "{}", text("label"));
                }
            }
            assert_eq!(sign(body, &keys[1]), text("header_sha256"));
        }
    }

    #[test]
    fn a_signature_is_the_hmac_of_the_body() {
        // The second test case of RFC 4231.
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign(b"what do ya want for nothing?", &"Jefe".into()), expected);
    }

    #[test]
    fn a_signature_of_the_compact_form_is_accepted() {
        let keys = secrets(&["example-hub-secret-0123456789"]);
        let header = sign(br#"{"a":"b  \" c","d":[1,2]}"#, &keys[0]);
        assert_eq!(signer(&header, b" { \"a\" : \"b  \\\" c\",\r\n\t\"d\": [1, 2] }\n", &keys), Some(0));
        assert_eq!(signer(&header, br#"{"a":"b \" c","d":[1,2]}"#, &keys), None);
    }

    #[test]
    fn a_signature_with_or_without_outer_white_space_is_accepted() {
        let keys = secrets(&["example-hub-secret-0123456789"]);
        let (sent, core) = ("\u{FEFF}\r\n { \"a\": 1 }\u{A0}\n\n", "{ \"a\": 1 }");
        for signed in [sent, core, "{\"a\":1}"] {
            let header = sign(signed.as_bytes(), &keys[0]);
            assert_eq!(signer(&header, sent.as_bytes(), &keys), Some(0), "{signed:?}");
            assert_eq!(signer(&header, b" { \"a\": 2 } ", &keys), None);
        }
        // A body that is not UTF-8 has ends too.
        let header = sign(b"\xFF {}", &keys[0]);
        assert_eq!(signer(&header, b"\t\xFF {}\n", &keys), Some(0));
        // A signature over the outer white space does not match a body without it.
        assert_eq!(signer(&sign(b"{} ", &keys[0]), b"{}", &keys), None);
    }

    #[test]
    fn any_other_signature_is_rejected() {
        let keys = secrets(&["example-hub-secret-0123456789"]);
        let good = sign(b"{}", &keys[0]);
        let hex = good.trim_start_matches("sha256=");
        for header in ["", "sha256=", "sha1=0000", "sha512=00", "zz", &format!("sha512={hex}"), &format!("md5={hex}")] {
            assert_eq!(signer(header, b"{}", &keys), None, "{header}");
        }
        assert_eq!(signer(&good, b"{}", &secrets(&["other"])), None);
        assert_eq!(signer(&good, b"{}", &[]), None);
    }

    proptest! {
        #[test]
        fn only_the_signed_body_verifies(
            body in proptest::collection::vec(any::<u8>(), 0..100), flip in any::<prop::sample::Index>(), key in ".{1,40}"
        ) {
            let keys = secrets(&[&key]);
            let header = sign(&body, &keys[0]);
            prop_assert_eq!(signer(&header, &body, &keys), Some(0));
            let mut other = body.clone();
            other.push(b'x');
            let at = flip.index(other.len());
            other[at] ^= 1;
            prop_assert_eq!(signer(&header, &other, &keys), None);
        }

        #[test]
        fn no_header_causes_a_panic(header in ".*") {
            let _ = signer(&header, b"{}", &secrets(&["s"]));
        }
    }
}
