//! The settings: flags go before the environment, that before the file, that before `config.default.toml`.
//!
//! To add a setting, add it to `config.default.toml` and to [`Settings`]; the environment variable, the check for
//! unknown names and `check-config` follow from the defaults file.
//!
//! | File | Holds |
//! | --- | --- |
//! | `layers` | merges the sources into one table |
//! | `raw` | that table as types of the file format |
//! | `settings` | what the program uses; refuses what is contradictory or unsafe |
//! | `authentication` | what the notify URL asks for |
//! | `credentials` | who we are to the platform |
//! | `deadlines` | when messages are overdue |
//! | `networks` | lists of IP addresses: proxies, and who may come |
//! | `pace` | how fast to send |
//! | `retention` | for how long things are kept |
//! | `tls` | the certificate of the server |
//! | `tokens` | who may use the API |

mod authentication;
mod credentials;
mod deadlines;
mod layers;
mod networks;
mod pace;
mod raw;
mod retention;
mod settings;
mod tls;
mod tokens;

pub use layers::{DEFAULTS, Flags};
pub use networks::{Networks, Proxies, ProxyHeader};
pub use settings::{SendSettings, Settings};
pub use tokens::{ApiToken, ApiTokens, Scope};

use std::path::PathBuf;

/// What is wrong with the settings: every fault that was found, not just the first.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings are not usable:\n{}", .0.iter().map(|fault| format!("- {fault}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl ConfigError {
    fn one(fault: impl Into<String>) -> Self {
        Self(vec![fault.into()])
    }
}

/// Loads the settings. `file` is the one named with `--config`; without it, `receiptd.toml` is read if it is there.
pub fn load(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
    file: Option<PathBuf>,
) -> Result<Settings, ConfigError> {
    let (table, files) = layers::merge(flags, environment, file)?;
    let raw = toml::Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::one(error.to_string().trim().replace('\n', " ")))?;
    Settings::new(raw, &files)
}
