//! How long secrets have to be.

use secrecy::{ExposeSecret, SecretString};

use crate::secret::InvalidSecret;

/// How long a secret has to be, and what is said of a shorter one.
#[derive(Clone, Copy)]
pub(super) struct MinimumLength {
    bytes: usize,
    pub(super) otherwise: &'static str,
}

impl MinimumLength {
    /// Where others can reach the server. At one guess a second, 16 letters are not found.
    pub(super) const REACHABLE: Self = Self {
        bytes: 16,
        otherwise: "has a secret of fewer than 16 bytes, which others can guess; make one with `openssl rand -hex 32`",
    };
    /// Where only programs of this machine can: fewer than four letters are a mistake even there.
    pub(super) const LOCAL: Self = Self {
        bytes: 4,
        otherwise: "has a secret of fewer than 4 bytes, which anybody can guess; make one with `openssl rand -hex 32`",
    };

    /// Refuses a secret that is too short.
    pub(super) fn check(self, secret: &SecretString) -> Result<(), InvalidSecret> {
        if secret.expose_secret().len() < self.bytes { Err(InvalidSecret(self.otherwise)) } else { Ok(()) }
    }

    /// Of `user:password`, the password is the secret.
    pub(super) fn check_pair(self, pair: &SecretString) -> Result<(), InvalidSecret> {
        let password = pair.expose_secret().split_once(':').map_or("", |(_, password)| password);
        self.check(&password.into())
    }
}
