//! The certificate of the server.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::{errors::ConfigErrors, layers::Files, raw::Tls};
use crate::{
    secret::{self, SecretSource},
    tls::Certificate,
};

/// Reads the certificate and the key from the settings. If they are in files, they are reloaded from them.
pub(super) fn certificate(tls: &Tls, files: &Files, errors: &mut ConfigErrors) -> Option<Certificate> {
    let is_set = |setting: &SecretString| !setting.expose_secret().is_empty();
    match (is_set(&tls.certificate), is_set(&tls.key)) {
        (false, false) => return None,
        (true, true) => {}
        _ => {
            errors.check(false, "tls.certificate and tls.key go together");
            return None;
        }
    }
    let chain = source("tls.certificate", &tls.certificate, files, errors);
    let key = source("tls.key", &tls.key, files, errors);
    Certificate::new(chain?, key?).map_err(|error| errors.check(false, &error.to_string())).ok()
}

/// A setting is the path of a PEM file, or the PEM itself, as from a variable that ends with `_FILE`.
fn source(name: &str, setting: &SecretString, files: &Files, errors: &mut ConfigErrors) -> Option<SecretSource> {
    let text = setting.expose_secret();
    if text.contains("-----BEGIN ") {
        return Some(files.get(name).cloned().unwrap_or_else(|| setting.clone().into()));
    }
    match secret::read(Path::new(text)) {
        Ok(pem) => Some(SecretSource { value: pem.into(), file: Some(text.into()) }),
        Err(error) => {
            // The error does not contain the path, which may be the key itself in another encoding.
            errors.check(false, &format!("{name}: the file cannot be read: {error}"));
            None
        }
    }
}
