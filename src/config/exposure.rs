//! Whether others than the programs of this machine can reach the server, and what is required then.

use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};

use super::{ApiTokens, public_url::PublicUrl, raw::Raw, settings::ConfigErrors};
use crate::{notify::Authentication, secret::InvalidSecret};

/// Why others can reach the server.
pub(super) struct Exposure(&'static str);

impl Exposure {
    /// `None` where only programs of this machine can, or where `insecure` says that it does not matter. Behind a proxy
    /// a server on loopback is as open as the proxy.
    pub(super) fn of(raw: &Raw, listen: SocketAddr, url: Option<&PublicUrl>) -> Option<Self> {
        let reasons = [
            (!listen.ip().is_loopback(), "listen is an address that others can reach"),
            (url.is_some_and(|url| !url.is_loopback()), "public_url is an address that others can reach"),
            (!raw.trusted_proxies.is_empty(), "trusted_proxies says that requests of others come through a proxy"),
        ];
        let reason = reasons.into_iter().find(|(is_given, _)| *is_given && !raw.insecure);
        reason.map(|(_, reason)| Self(reason))
    }

    /// Refuses to let everybody in.
    pub(super) fn check(&self, Raw { api, notify, .. }: &Raw, faults: &mut ConfigErrors) {
        let Self(reason) = self;
        let asked = [&notify.path_token, &notify.hub_secrets, &notify.basic, &notify.bearer];
        let is_notify_open = asked.iter().all(|secrets| secrets.is_empty());
        faults.check(!api.tokens.is_empty(), &format!("{reason}, so api.tokens must be set (or --insecure given)"));
        faults.check(
            !is_notify_open,
            &format!(
                "{reason}, so one of notify.path_token, notify.hub_secrets, notify.basic and notify.bearer must be set (or \
                 --insecure given)"
            ),
        );
    }
}

/// How long a secret must be at least, and what is said of a shorter one.
#[derive(Clone, Copy)]
pub(super) struct Least {
    bytes: usize,
    otherwise: &'static str,
}

/// At one guess a second, 16 letters are not found; fewer than four are a mistake, even among one's own programs.
const REACHABLE: Least = Least {
    bytes: 16,
    otherwise: "has a secret of fewer than 16 bytes, which others can guess; `openssl rand -hex 32` makes a good one",
};
const LOCAL: Least = Least {
    bytes: 4,
    otherwise: "has a secret of fewer than 4 bytes, which anybody can guess; `openssl rand -hex 32` makes a good one",
};

pub(super) fn least(exposure: Option<&Exposure>) -> Least {
    if exposure.is_some() { REACHABLE } else { LOCAL }
}

impl Least {
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

/// Which secrets would be refused if others could reach the server.
pub(super) fn warnings(tokens: Option<&ApiTokens>, notify: &Authentication) -> Vec<String> {
    let keys = [
        ("notify.path_token", &notify.path_token),
        ("notify.hub_secrets", &notify.hub_secrets),
        ("notify.basic", &notify.basic),
        ("notify.bearer", &notify.bearer),
    ];
    let is_short = |name: &str, secret: &SecretString| {
        let checked = if name == "notify.basic" { REACHABLE.check_pair(secret) } else { REACHABLE.check(secret) };
        checked.is_err()
    };
    let of_tokens = tokens.filter(|tokens| tokens.current().iter().any(|token| is_short("", &token.secret)));
    let of_tokens = of_tokens.map(|_| "api.tokens");
    let of_keys = keys.into_iter().filter_map(|(name, keys)| {
        let keys = keys.as_ref()?.current();
        keys.secrets().iter().any(|secret| is_short(name, secret)).then_some(name)
    });
    of_tokens.into_iter().chain(of_keys).map(|name| format!("{name} {}", REACHABLE.otherwise)).collect()
}
