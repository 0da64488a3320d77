//! What the notify URL asks for.

use secrecy::{ExposeSecret, SecretString};

use super::{
    errors::ConfigErrors,
    layers::{Files, items},
    public_url::{Path, PublicUrl},
    raw::Notify,
    secret_length::MinimumLength,
};
use crate::{
    notify::{ActiveSecrets, Authentication, Keys},
    secret::{InvalidSecret, ReloadableSecret},
};

/// Reads the secrets of the settings. Those that came from files are renewed from them. `url` is where the platform is
/// told to post.
pub(super) fn authentication(
    notify: &Notify,
    url: Option<&PublicUrl>,
    minimum: MinimumLength,
    files: &Files,
    errors: &mut ConfigErrors,
) -> Authentication {
    let path = url.map(PublicUrl::path).cloned();
    if matches!(path, Some(Path::WithToken(_))) {
        let told = "public_url ends with a token, but notify.path_token is not set: posts without it would be accepted. Set \
                    notify.path_token, or let public_url end with /notify";
        errors.check(!notify.path_token.is_empty(), told);
    }
    let path_token = move |keys: &ActiveSecrets| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if !keys.secrets().iter().all(|token| token.expose_secret().chars().all(plain)) {
            return Err(InvalidSecret("must contain only letters, digits and -._~, since it is a part of a URL"));
        }
        each(keys, |token| minimum.check(token))?;
        // Else a renewal would refuse what the platform was told to post there.
        let is_there = match &path {
            Some(Path::WithToken(token)) => keys.position(token).is_some(),
            Some(Path::WithoutToken) => false,
            Some(Path::Rewritten) | None => true,
        };
        let lacks = "does not contain the token at the end of public_url: it must end with /notify/ and one of notify.path_token, or the \
                     platform's notifications would be rejected";
        if is_there { Ok(()) } else { Err(InvalidSecret(lacks)) }
    };
    let pair = move |keys: &ActiveSecrets| {
        let is_pair = keys.secrets().iter().all(|pair| pair.expose_secret().contains(':'));
        if !is_pair {
            return Err(InvalidSecret("must be user:password"));
        }
        each(keys, |pair| minimum.check_pair(pair))
    };
    let text = move |keys: &ActiveSecrets| each(keys, |secret| minimum.check(secret));
    let mut read = |name, given: &[SecretString], fit: Fit| keys(name, given, files, fit, errors);
    let authentication = Authentication {
        path_token: read("notify.path_token", &notify.path_token, Box::new(path_token)),
        hub_secrets: read("notify.hub_secrets", &notify.hub_secrets, Box::new(text)),
        basic: read("notify.basic", &notify.basic, Box::new(pair)),
        bearer: read("notify.bearer", &notify.bearer, Box::new(text)),
    };
    errors.check(
        authentication.basic.is_none() || authentication.bearer.is_none(),
        "notify.basic and notify.bearer exclude each other: both use the Authorization header; set only one of them",
    );
    authentication
}

fn each(keys: &ActiveSecrets, check: impl Fn(&SecretString) -> Result<(), InvalidSecret>) -> Result<(), InvalidSecret> {
    keys.secrets().iter().try_for_each(check)
}

/// Tells whether secrets can serve a method.
type Fit = Box<dyn Fn(&ActiveSecrets) -> Result<(), InvalidSecret> + Send + Sync>;

fn keys(name: &str, given: &[SecretString], files: &Files, fit: Fit, errors: &mut ConfigErrors) -> Option<Keys> {
    let active = move |secrets: Vec<SecretString>| {
        let active = ActiveSecrets::new(secrets)?;
        fit(&active).map(|()| active)
    };
    let keys = match files.get(name) {
        // A file is meant to ask for something, so an empty one is a fault.
        Some(source) => {
            ReloadableSecret::new(source.clone(), move |text| active(items(text).map(SecretString::from).collect()))
        }
        None if given.is_empty() => return None,
        None => active(given.to_vec()).map(ReloadableSecret::fixed),
    };
    keys.map_err(|unfit| errors.check(false, &format!("{name} {unfit}"))).ok()
}
