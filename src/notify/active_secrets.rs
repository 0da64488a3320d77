//! Secrets, two of which can be active at a time, so that one can replace the other while both are still in use.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::secret::{InvalidSecret, ReloadableSecret};

/// The currently active secrets of one method.
pub type Keys = ReloadableSecret<ActiveSecrets>;

/// One secret, or two.
#[derive(Clone, Debug)]
pub struct ActiveSecrets(Vec<SecretString>);

impl ActiveSecrets {
    /// Accepts one secret, or the old one and the new one in any order.
    pub fn new(secrets: Vec<SecretString>) -> Result<Self, InvalidSecret> {
        let is_blank = |secret: &SecretString| secret.expose_secret().trim().is_empty();
        match secrets.len() {
            0 => Err(InvalidSecret("is blank")),
            1 | 2 if secrets.iter().any(is_blank) => Err(InvalidSecret("must not contain a blank secret")),
            1 | 2 => Ok(Self(secrets)),
            _ => Err(InvalidSecret("must be at most two secrets, the old one and the new one")),
        }
    }

    /// All active secrets.
    pub fn secrets(&self) -> &[SecretString] {
        &self.0
    }

    /// Returns the position of the secret that equals `text`. Each is compared, so that the time reveals nothing about
    /// the others.
    pub fn position(&self, text: &str) -> Option<usize> {
        let matches: Vec<bool> = self.0.iter().map(|secret| same(secret, text)).collect();
        matches.iter().position(|matches| *matches)
    }
}

/// Returns whether a text equals the secret. The time reveals neither where they differ nor how long the secret is.
pub(crate) fn same(secret: &SecretString, text: &str) -> bool {
    Sha256::digest(secret.expose_secret()).ct_eq(&Sha256::digest(text)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(texts: &[&str]) -> Result<ActiveSecrets, InvalidSecret> {
        ActiveSecrets::new(texts.iter().copied().map(SecretString::from).collect())
    }

    #[test]
    fn there_are_one_or_two_and_none_is_blank() {
        assert!(active(&["old"]).is_ok() && active(&["old", "new"]).is_ok());
        for wrong in [&[][..], &[""], &["old", " "], &["a", "b", "c"]] {
            assert!(active(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn each_secret_has_its_position_and_other_texts_have_none() {
        let both = active(&["old", "new"]).unwrap();
        assert_eq!(["old", "new"].map(|text| both.position(text)), [Some(0), Some(1)]);
        for text in ["", "ol", "oldd", "OLD", "oldnew", "new "] {
            assert_eq!(both.position(text), None, "{text:?}");
        }
    }
}
