//! The secrets that the notify URL requires.

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

/// Reads the secrets from the settings. Secrets from files are reloaded from them. `url` is the URL to which the platform
/// posts.
pub(super) fn authentication(
    notify: &Notify,
    url: Option<&PublicUrl>,
    minimum: MinimumLength,
    files: &Files,
    errors: &mut ConfigErrors,
) -> Authentication {
    let path = url.map(PublicUrl::path).cloned();
    if matches!(path, Some(Path::WithToken(_))) {
        let message = "public_url ends with a token, but notify.path_token is not set: posts without it would be accepted. Set \
                    notify.path_token, or let public_url end with /notify";
        errors.check(!notify.path_token.is_empty(), message);
    }
    let path_token = move |keys: &ActiveSecrets| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if !keys.secrets().iter().all(|token| token.expose_secret().chars().all(plain)) {
            return Err(InvalidSecret("must contain only letters, digits and -._~, since it is a part of a URL"));
        }
        each(keys, |token| minimum.check(token))?;
        // Without this check, a renewal could remove the token with which the platform posts.
        let is_included = match &path {
            Some(Path::WithToken(token)) => keys.position(token).is_some(),
            Some(Path::WithoutToken) => false,
            Some(Path::Rewritten) | None => true,
        };
        let missing = "does not contain the token at the end of public_url: it must end with /notify/ and one of notify.path_token, or the \
                     platform's notifications would be rejected";
        if is_included { Ok(()) } else { Err(InvalidSecret(missing)) }
    };
    let pair = move |keys: &ActiveSecrets| {
        let is_pair = keys.secrets().iter().all(|pair| pair.expose_secret().contains(':'));
        if !is_pair {
            return Err(InvalidSecret("must be user:password"));
        }
        each(keys, |pair| minimum.check_pair(pair))
    };
    let text = move |keys: &ActiveSecrets| each(keys, |secret| minimum.check(secret));
    let mut read = |name, given: &[SecretString], validate: Validate| keys(name, given, files, validate, errors);
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

/// Checks whether secrets are valid for a method.
type Validate = Box<dyn Fn(&ActiveSecrets) -> Result<(), InvalidSecret> + Send + Sync>;

fn keys(
    name: &str,
    given: &[SecretString],
    files: &Files,
    validate: Validate,
    errors: &mut ConfigErrors,
) -> Option<Keys> {
    let active = move |secrets: Vec<SecretString>| {
        let active = ActiveSecrets::new(secrets)?;
        validate(&active).map(|()| active)
    };
    let keys = match files.get(name) {
        // A file that is set is meant to contain a secret, so an empty one is an error.
        Some(source) => {
            ReloadableSecret::new(source.clone(), move |text| active(items(text).map(SecretString::from).collect()))
        }
        None if given.is_empty() => return None,
        None => active(given.to_vec()).map(ReloadableSecret::fixed),
    };
    keys.map_err(|error| errors.check(false, &format!("{name} {error}"))).ok()
}
