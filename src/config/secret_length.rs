//! The minimum length of secrets.

use secrecy::{ExposeSecret, SecretString};

use crate::secret::InvalidSecret;

/// The minimum length of a secret, and the error for a shorter one.
#[derive(Clone, Copy)]
pub(super) struct MinimumLength {
    bytes: usize,
    pub(super) otherwise: &'static str,
}

impl MinimumLength {
    /// For a server that other machines can reach. With one attempt per second, 16 random bytes cannot be guessed.
    pub(super) const REACHABLE: Self = Self {
        bytes: 16,
        otherwise: "has a secret of fewer than 16 bytes, which others can guess; make one with `openssl rand -hex 32`",
    };
    /// For a server that only programs on this machine can reach. Fewer than four bytes are a mistake even there.
    pub(super) const LOCAL: Self = Self {
        bytes: 4,
        otherwise: "has a secret of fewer than 4 bytes, which anybody can guess; make one with `openssl rand -hex 32`",
    };

    /// Rejects a secret that is too short.
    pub(super) fn check(self, secret: &SecretString) -> Result<(), InvalidSecret> {
        if secret.expose_secret().len() < self.bytes { Err(InvalidSecret(self.otherwise)) } else { Ok(()) }
    }

    /// Checks the password in `user:password`.
    pub(super) fn check_pair(self, pair: &SecretString) -> Result<(), InvalidSecret> {
        let password = pair.expose_secret().split_once(':').map_or("", |(_, password)| password);
        self.check(&password.into())
    }
}
