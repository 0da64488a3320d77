//! The key that signs the hash chain.

use std::{path::Path, sync::Arc};

use super::errors::ConfigErrors;
use crate::{audit::SigningKey, secret};

/// Reads the key from its file. `None` if no file is set.
pub(super) fn signing_key(file: &str, errors: &mut ConfigErrors) -> Option<Arc<SigningKey>> {
    if file.is_empty() {
        return None;
    }
    let pem = match secret::read(Path::new(file)) {
        Ok(pem) => pem,
        Err(error) => {
            errors.check(false, &format!("audit.signing_key_file: {file} cannot be read: {error}"));
            return None;
        }
    };
    let key = SigningKey::from_pem(&pem).map_err(|error| {
        errors.check(false, &format!("audit.signing_key_file: {file} {error}"));
    });
    key.ok().map(Arc::new)
}
