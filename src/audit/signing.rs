//! Keys that sign the links of the hash chain: Ed25519, in PEM.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};

use crate::domain::{LinkHash, LinkSignature, LinkSigner, PublicKeyId};

/// The private key that signs links.
pub struct SigningKey(Ed25519KeyPair);

/// The public half of a key, which verifies signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// A key cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    #[error("is not a private Ed25519 key in PEM (PKCS#8, `BEGIN PRIVATE KEY`); `receiptd audit create-key` makes one")]
    Private,
    #[error("is not a public Ed25519 key in PEM (`BEGIN PUBLIC KEY`); `receiptd audit create-key` prints it")]
    Public,
    #[error("cannot be made: the operating system returned no random bytes")]
    NoRandomness,
}

/// What comes before the 32 bytes of an Ed25519 key in the DER of a public key (RFC 8410).
const PUBLIC_DER: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What is signed besides the hash, so that no signature for another purpose is one of a link.
const PURPOSE: &[u8] = b"receiptd link of the hash chain\0";

impl SigningKey {
    /// Makes a new key, and returns it as PEM.
    pub fn create() -> Result<String, InvalidKey> {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| InvalidKey::NoRandomness)?;
        Ok(to_pem("PRIVATE KEY", der.as_ref()))
    }

    /// Reads a key from PEM.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        let der = from_pem("PRIVATE KEY", text).ok_or(InvalidKey::Private)?;
        // Other programs write keys without the public half.
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Self).map_err(|_| InvalidKey::Private)
    }

    pub fn public_key(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(self.0.public_key().as_ref()).for_each(|(byte, of)| *byte = *of);
        PublicKey(bytes)
    }
}

impl LinkSigner for SigningKey {
    fn id(&self) -> PublicKeyId {
        self.public_key().id()
    }

    fn sign(&self, hash: &LinkHash) -> Option<LinkSignature> {
        let signature = self.0.sign(&[PURPOSE, hash.as_bytes()].concat());
        LinkSignature::from_bytes(signature.as_ref())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public_key().id()).finish()
    }
}

impl PublicKey {
    /// Reads a key from PEM.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        let der = from_pem("PUBLIC KEY", text).ok_or(InvalidKey::Public)?;
        let bytes = der.strip_prefix(PUBLIC_DER.as_slice()).ok_or(InvalidKey::Public)?;
        bytes.try_into().map(Self).map_err(|_| InvalidKey::Public)
    }

    /// Reads one or several keys from PEM.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, InvalidKey> {
        let begin = "-----BEGIN PUBLIC KEY-----";
        let keys = text.split(begin).skip(1).map(|key| Self::from_pem(&format!("{begin}{key}")));
        let keys: Vec<Self> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(InvalidKey::Public) } else { Ok(keys) }
    }

    /// The key as PEM.
    pub fn to_pem(&self) -> String {
        to_pem("PUBLIC KEY", &[PUBLIC_DER.as_slice(), &self.0].concat())
    }

    /// Identifies the key in the hash chain.
    pub fn id(&self) -> PublicKeyId {
        PublicKeyId::of(&self.0)
    }

    /// Whether the owner of the key has signed this link.
    pub fn has_signed(&self, hash: &LinkHash, signature: &LinkSignature) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(&[PURPOSE, hash.as_bytes()].concat(), signature.as_bytes()).is_ok()
    }
}

fn to_pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<&str> =
        (0..encoded.len()).step_by(64).filter_map(|at| encoded.get(at..(at + 64).min(encoded.len()))).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The first block with this label.
fn from_pem(label: &str, text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (encoded, _) = rest.split_once(&format!("-----END {label}-----"))?;
    STANDARD.decode(encoded.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl genpkey -algorithm ed25519`, and `openssl pkey -pubout`.
    const FOREIGN: [&str; 2] = [
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIAX0jCgVHXDVGeJuS6HSUZcZv6z63BZCfSImp4sclcA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEACns9verNzcyYWKndUQZ2Z4dMxQI+fqtYuR/iPsS/X1c=\n-----END PUBLIC KEY-----\n",
    ];

    #[test]
    fn a_key_that_was_made_signs_and_its_public_half_verifies() {
        let pem = SigningKey::create().unwrap();
        let key = SigningKey::from_pem(&pem).unwrap();
        let public = PublicKey::from_pem(&key.public_key().to_pem()).unwrap();
        assert_eq!((public.id(), &public), (key.id(), &key.public_key()));
        let hash = LinkHash::new([7; 32]);
        let signature = key.sign(&hash).unwrap();
        assert!(public.has_signed(&hash, &signature));
        assert!(!public.has_signed(&LinkHash::new([8; 32]), &signature));
        let other = SigningKey::from_pem(&SigningKey::create().unwrap()).unwrap();
        assert!(!other.public_key().has_signed(&hash, &signature));
        assert!(!format!("{key:?}").contains(&pem[30..60]));
    }

    #[test]
    fn keys_of_other_programs_are_read_and_others_are_refused() {
        let key = SigningKey::from_pem(FOREIGN[0]).unwrap();
        assert_eq!(key.public_key().to_pem(), FOREIGN[1]);
        for bad in ["", FOREIGN[1], "-----BEGIN PRIVATE KEY-----\n?\n-----END PRIVATE KEY-----"] {
            assert_eq!(SigningKey::from_pem(bad).unwrap_err(), InvalidKey::Private, "{bad}");
        }
        for bad in ["", FOREIGN[0], "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----"] {
            assert!(PublicKey::from_pem(bad).is_err_and(|error| error == InvalidKey::Public), "{bad}");
        }
    }
}
