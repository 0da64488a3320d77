//! Environment variables of the command line, which are not settings. An empty variable counts as not set.

use std::path::Path;

use anyhow::Context;

use super::output::UsageError;
use crate::secret;

/// Variables of the command line, whose names begin like those of settings.
const NOT_SETTINGS: [&str; 8] = [
    "RECEIPTD_CONFIG",
    "RECEIPTD_SERVER",
    "RECEIPTD_TOKEN",
    "RECEIPTD_TOKEN_FILE",
    "RECEIPTD_SIMULATE_KEY",
    "RECEIPTD_SIMULATE_KEY_FILE",
    "RECEIPTD_SIMULATE_SECRET",
    "RECEIPTD_SIMULATE_SECRET_FILE",
];
/// The prefix of the variables of the tests.
const TEST_PREFIX: &str = "RECEIPTD_TEST_";

/// Returns whether a variable may be a setting.
pub(super) fn is_setting(name: &str) -> bool {
    name.starts_with("RECEIPTD_") && !name.starts_with(TEST_PREFIX) && !NOT_SETTINGS.contains(&name)
}

/// The value of a variable.
pub(super) fn variable(name: &str) -> anyhow::Result<Option<String>> {
    match std::env::var_os(name).filter(|value| !value.is_empty()) {
        Some(value) => readable(name, value).map(Some),
        None => Ok(None),
    }
}

/// The value as text. A value that is not UTF-8 is an error, since a lossy conversion would change a secret or a path.
pub(super) fn readable(name: &str, value: std::ffi::OsString) -> anyhow::Result<String> {
    Ok(value.into_string().map_err(|_| UsageError(format!("{name} is not UTF-8")))?)
}

/// Reads a secret from the flag, or else from the variable `name`, or else from the file that the variable `name` with `_FILE`
/// appended names.
pub(super) fn secret(flag: Option<&str>, name: &str) -> anyhow::Result<Option<String>> {
    if let Some(flag) = flag.filter(|flag| !flag.is_empty()) {
        return Ok(Some(flag.to_owned()));
    }
    let of_file = format!("{name}_FILE");
    match (variable(name)?, variable(&of_file)?) {
        (Some(_), Some(_)) => {
            Err(UsageError(format!("{name} and {of_file} exclude each other; set only one of them")).into())
        }
        (Some(value), None) => Ok(Some(secret::without_mark(&value).to_owned())),
        (None, None) => Ok(None),
        (None, Some(path)) => {
            let text = secret::read(Path::new(&path));
            let text = text.with_context(|| format!("{of_file}: the file cannot be read"))?;
            if text.trim().is_empty() { Err(anyhow::anyhow!("{of_file}: the file is blank")) } else { Ok(Some(text)) }
        }
    }
}
