//! What is wrong with the settings.

use std::str::FromStr;

/// What is wrong with the settings: every error that was found, not only the first.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings are not usable:\n{}", .0.iter().map(|error| format!("- {error}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl ConfigError {
    pub(super) fn one(error: impl Into<String>) -> Self {
        Self(vec![error.into()])
    }
}

/// Collects the errors while the settings are read, so that all of them can be reported together.
#[derive(Default)]
pub(super) struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    pub(super) fn push(&mut self, error: String) {
        self.0.push(error);
    }

    /// Adds `otherwise` if something is not as it has to be.
    pub(super) fn check(&mut self, good: bool, otherwise: &str) {
        if !good {
            self.push(otherwise.to_owned());
        }
    }

    /// Parses the setting `name`, or adds that it has to be `wanted`.
    pub(super) fn parse<T: FromStr>(&mut self, name: &str, text: &str, wanted: &str) -> Option<T> {
        let value = text.parse().ok();
        self.check(value.is_some(), &format!("{name} must be {wanted}"));
        value
    }

    /// What was read, if there were no errors.
    pub(super) fn finish<T>(self, read: Option<T>) -> Result<T, ConfigError> {
        match read {
            Some(read) if self.0.is_empty() => Ok(read),
            _ => Err(ConfigError(self.0)),
        }
    }
}
