//! Whether the platform has signed the bodies that came with its signature.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{domain::BodySignature, webex::signature};

/// Bodies that came with a signature of the platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedBodies {
    /// How many of them are stored.
    pub stored: u64,
    /// How many the platform has signed with one of the secrets. The others were signed with another secret, or were not
    /// written by the platform.
    pub valid: u64,
}

/// Looks at the signatures of all bodies.
pub(super) struct PlatformSignatures {
    secrets: Vec<SecretString>,
    found: SignedBodies,
}

impl PlatformSignatures {
    /// Expects signatures with one of these secrets.
    pub(super) fn by(secrets: &[SecretString]) -> Self {
        Self { secrets: secrets.to_vec(), found: SignedBodies::default() }
    }

    pub(super) fn body(&mut self, body: &[u8], signature: &BodySignature) {
        if self.secrets.is_empty() {
            return;
        }
        self.found.stored += 1;
        self.found.valid += u64::from(signature::is_by_any(signature, body, &self.secrets));
    }

    /// `None` if no secrets are known.
    pub(super) fn found(&self) -> Option<SignedBodies> {
        (!self.secrets.is_empty()).then_some(self.found)
    }
}
