//! The credentials for the platform: a service key, or the id and the secret of a service.

use secrecy::{ExposeSecret, SecretString};

use super::{errors::ConfigErrors, layers::Files, raw::Webex};
use crate::{secret::SecretSource, send::Credentials};

/// Reads the credentials from the settings. Credentials from files are reloaded from them.
pub(super) fn credentials(webex: &Webex, files: &Files, errors: &mut ConfigErrors) -> Option<Credentials> {
    let is_set = |secret: &SecretString| !secret.expose_secret().is_empty();
    let source = |key: &str, value: &SecretString| -> SecretSource {
        files.get(key).cloned().unwrap_or_else(|| value.clone().into())
    };
    let key = || source("webex.service_key", &webex.service_key);
    let id = || source("webex.service_id", &webex.service_id);
    let secret = || source("webex.service_secret", &webex.service_secret);
    let set = (is_set(&webex.service_key), is_set(&webex.service_id), is_set(&webex.service_secret));
    let credentials = match set {
        (true, false, false) => Credentials::key(key()),
        (false, true, true) => Credentials::jwt(id(), secret()),
        (true, ..) => {
            let message = "webex.service_key excludes webex.service_id and webex.service_secret: with both, the platform \
                         ignores the key";
            errors.check(false, message);
            return None;
        }
        (false, false, false) => {
            let message = "webex.service_key must be set if webex.region or webex.base_url is set; or webex.service_id \
                         and webex.service_secret, for a JWT";
            errors.check(false, message);
            return None;
        }
        (false, ..) => {
            errors.check(false, "webex.service_id and webex.service_secret go together: a JWT needs both");
            return None;
        }
    };
    credentials.map_err(|error| errors.check(false, &format!("webex: {error}"))).ok()
}
