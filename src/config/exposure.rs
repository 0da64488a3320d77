//! Determines whether other machines can reach the server, and what the settings must contain then.

use std::net::SocketAddr;

use secrecy::SecretString;

use super::{errors::ConfigErrors, public_url::PublicUrl, raw::Raw, secret_length::MinimumLength, tokens::ApiTokens};
use crate::notify::Authentication;

/// The reason why other machines can reach the server.
pub(super) struct Exposure(&'static str);

impl Exposure {
    /// Returns `None` if only programs on this machine can reach the server, or if `insecure` is set. Behind a proxy, a
    /// server on loopback is as open as the proxy.
    pub(super) fn of(raw: &Raw, listen: SocketAddr, url: Option<&PublicUrl>) -> Option<Self> {
        let reasons = [
            (!listen.ip().is_loopback(), "listen is an address that others can reach"),
            (url.is_some_and(|url| !url.is_loopback()), "public_url is an address that others can reach"),
            (!raw.trusted_proxies.is_empty(), "trusted_proxies is set, so requests of others arrive through a proxy"),
        ];
        let reason = reasons.into_iter().find(|(applies, _)| *applies && !raw.insecure);
        reason.map(|(_, reason)| Self(reason))
    }

    /// Requires API tokens, and authentication at the notify URL.
    pub(super) fn check(&self, Raw { api, notify, .. }: &Raw, errors: &mut ConfigErrors) {
        let Self(reason) = self;
        let methods = [&notify.path_token, &notify.hub_secrets, &notify.basic, &notify.bearer];
        let is_notify_open = methods.iter().all(|secrets| secrets.is_empty());
        errors.check(!api.tokens.is_empty(), &format!("{reason}, so api.tokens must be set (or --insecure given)"));
        errors.check(
            !is_notify_open,
            &format!(
                "{reason}, so one of notify.path_token, notify.hub_secrets, notify.basic and notify.bearer must be set (or \
                 --insecure given)"
            ),
        );
    }
}

/// The minimum length of secrets.
pub(super) fn minimum_length(exposure: Option<&Exposure>) -> MinimumLength {
    if exposure.is_some() { MinimumLength::REACHABLE } else { MinimumLength::LOCAL }
}

/// A warning for each setting with a secret that would be too short if other machines could reach the server.
pub(super) fn warnings(tokens: Option<&ApiTokens>, notify: &Authentication) -> Vec<String> {
    let keys = [
        ("notify.path_token", &notify.path_token),
        ("notify.hub_secrets", &notify.hub_secrets),
        ("notify.basic", &notify.basic),
        ("notify.bearer", &notify.bearer),
    ];
    let is_short = |name: &str, secret: &SecretString| {
        let checked = if name == "notify.basic" {
            MinimumLength::REACHABLE.check_pair(secret)
        } else {
            MinimumLength::REACHABLE.check(secret)
        };
        checked.is_err()
    };
    let of_tokens = tokens.filter(|tokens| tokens.current().iter().any(|token| is_short("", &token.secret)));
    let of_tokens = of_tokens.map(|_| "api.tokens");
    let of_keys = keys.into_iter().filter_map(|(name, keys)| {
        let keys = keys.as_ref()?.current();
        keys.secrets().iter().any(|secret| is_short(name, secret)).then_some(name)
    });
    of_tokens.into_iter().chain(of_keys).map(|name| format!("{name} {}", MinimumLength::REACHABLE.otherwise)).collect()
}
