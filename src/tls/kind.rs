//! Recognizes the kind of a private key that cannot be used.
//!
//! The libraries only report that such a key cannot be parsed. So this module reads just enough of the DER of PKCS #8,
//! PKCS #1 and SEC 1 to name the kind of the key.

use crate::secret::InvalidSecret;

/// The error for an unsupported kind of key.
macro_rules! unsupported {
    ($what:literal) => {
        InvalidSecret(concat!(
            $what,
            ", which receiptd does not support; use ECDSA on P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits"
        ))
    };
}

/// Unsupported algorithms, by the bytes of their object identifiers.
const ALGORITHMS: [(&[u8], InvalidSecret); 6] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a], unsupported!("is an RSA-PSS key")),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01], unsupported!("is a DSA key")),
    (&[0x2b, 0x65, 0x71], unsupported!("is an Ed448 key")),
    (&[0x2b, 0x65, 0x6e], unsupported!("is an X25519 key")),
    (&[0x2b, 0x65, 0x6f], unsupported!("is an X448 key")),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01], unsupported!("is a Diffie-Hellman key")),
];

/// Unsupported curves of ECDSA, by the bytes of their object identifiers.
const CURVES: [(&[u8], InvalidSecret); 4] = [
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], unsupported!("is an ECDSA key on P-521")),
    (&[0x2b, 0x81, 0x04, 0x00, 0x21], unsupported!("is an ECDSA key on P-224")),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01], unsupported!("is an ECDSA key on P-192")),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], unsupported!("is an ECDSA key on secp256k1")),
];

const OTHER_CURVE: InvalidSecret = unsupported!("is an ECDSA key on a curve other than P-256 and P-384");
const SMALL_RSA: InvalidSecret = unsupported!("is an RSA key of fewer than 2048 bits");
const LARGE_RSA: InvalidSecret = unsupported!("is an RSA key of more than 4096 bits");
const OTHER: InvalidSecret = InvalidSecret("is not an RSA, ECDSA or Ed25519 key");

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const CURVE: u8 = 0xa0;

/// The error for a private key in DER that the TLS library rejected.
pub(super) fn unusable(key: &[u8]) -> InvalidSecret {
    read(key).unwrap_or(OTHER)
}

fn read(key: &[u8]) -> Option<InvalidSecret> {
    let (_, after_version) = element(within(key, SEQUENCE)?, INTEGER)?;
    match *after_version.first()? {
        SEQUENCE => pkcs8(after_version),
        INTEGER => rsa(element(after_version, INTEGER)?.0),
        // In SEC 1, the curve follows the key itself.
        OCTETS => Some(curve(within(element(after_version, OCTETS)?.1, CURVE)?)),
        _ => None,
    }
}

fn pkcs8(rest: &[u8]) -> Option<InvalidSecret> {
    let (algorithm, rest) = element(rest, SEQUENCE)?;
    let (identifier, parameters) = element(algorithm, IDENTIFIER)?;
    match identifier {
        ELLIPTIC => Some(curve(parameters)),
        RSA => {
            let (_, after_version) = element(within(within(rest, OCTETS)?, SEQUENCE)?, INTEGER)?;
            rsa(element(after_version, INTEGER)?.0)
        }
        _ => ALGORITHMS.iter().find(|(known, _)| *known == identifier).map(|(_, unsupported)| *unsupported),
    }
}

fn curve(parameters: &[u8]) -> InvalidSecret {
    let known = within(parameters, IDENTIFIER).and_then(|name| CURVES.iter().find(|(known, _)| *known == name));
    known.map_or(OTHER_CURVE, |(_, unsupported)| *unsupported)
}

/// The error for an RSA key with this modulus; `None` if its length is supported.
fn rsa(modulus: &[u8]) -> Option<InvalidSecret> {
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let significant = &modulus[zeros..];
    let bits = significant.len() * 8 - usize::try_from(significant.first()?.leading_zeros()).ok()?;
    match bits {
        ..2048 => Some(SMALL_RSA),
        4097.. => Some(LARGE_RSA),
        _ => None,
    }
}

fn within(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    element(bytes, tag).map(|(content, _)| content)
}

/// The content of the first element, which must have this tag, and the bytes after it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = bytes else { return None };
    let (length, rest) = match usize::from(*length) {
        short @ 0..=0x7f => (short, rest),
        // The lower bits are the number of length bytes that follow.
        long => {
            let (length, rest) = rest.split_at_checked(long & 0x7f).filter(|(length, _)| length.len() <= 4)?;
            (length.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
    };
    rest.split_at_checked(length).filter(|_| *first == tag)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_give_a_reason(bytes: Vec<u8>) {
            prop_assert!(!unusable(&bytes).0.is_empty());
        }

        #[test]
        fn bytes_that_begin_like_a_key_give_a_reason(bytes: Vec<u8>, length: u8) {
            let begins = [&[SEQUENCE, 0x82, 0, length, INTEGER, 1, 0][..], &bytes].concat();
            prop_assert!(!unusable(&begins).0.is_empty());
        }
    }
}
