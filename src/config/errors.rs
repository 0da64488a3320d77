//! The errors in the settings.

use std::str::FromStr;

/// All errors that were found in the settings, not only the first.
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

    /// Adds the error `otherwise` unless the value is `good`.
    pub(super) fn check(&mut self, good: bool, otherwise: &str) {
        if !good {
            self.push(otherwise.to_owned());
        }
    }

    /// Parses the setting `name`. If this fails, adds the error that it must be `wanted`.
    pub(super) fn parse<T: FromStr>(&mut self, name: &str, text: &str, wanted: &str) -> Option<T> {
        let value = text.parse().ok();
        self.check(value.is_some(), &format!("{name} must be {wanted}"));
        value
    }

    /// Returns the value if there were no errors.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigError(self.0)),
        }
    }
}
