//! The settings. Precedence: flags > environment > file > `config.default.toml`.
//!
//! To add a setting, add it to `config.default.toml` and to [`Settings`]; the environment variable, the check for
//! unknown names and `check-config` follow from the defaults file. A setting that commands other than `serve` need
//! belongs in `purpose` too, and a secret in `origin`.
//!
//! | File | Holds |
//! | --- | --- |
//! | `layers` | merges the sources into one table |
//! | `names` | names of settings and variables, and which variables Kubernetes creates |
//! | `origin` | where each setting comes from, and its value without secrets |
//! | `purpose` | which settings each command needs |
//! | `raw` | the merged table as types of the file format |
//! | `errors` | collects the errors in the settings |
//! | `settings` | the settings as the program uses them; rejects contradictory or unsafe ones |
//! | `exposure` | whether other machines can reach the server, and what is required then |
//! | `secret_length` | the minimum length of secrets |
//! | `public_url` | whether the notify URL leads to this server |
//! | `authentication` | the secrets that the notify URL requires |
//! | `sending` | the URL of the platform, and how to send |
//! | `connections` | how many connections there may be, and how long they may be idle |
//! | `credentials` | the credentials for the platform |
//! | `deadlines` | when messages are overdue |
//! | `networks` | lists of IP addresses: trusted proxies, and clients of the notify URL |
//! | `dispatch_limits` | how fast to send |
//! | `retention` | how long data is kept |
//! | `sessions` | how long people stay logged in |
//! | `tls` | the certificate of the server |
//! | `tokens` | the API tokens |

mod authentication;
mod connections;
mod credentials;
mod deadlines;
mod dispatch_limits;
mod errors;
mod exposure;
mod layers;
mod names;
mod networks;
mod origin;
mod public_url;
mod purpose;
mod raw;
mod retention;
mod secret_length;
mod sending;
mod sessions;
mod settings;
mod signing;
mod tls;
mod tokens;

pub use connections::ConnectionLimits;
pub use errors::ConfigError;
pub use layers::Flags;
pub use names::DEFAULTS;
pub use networks::{Networks, Proxies, ProxyHeader};
pub use origin::{Origin, Setting};
pub use purpose::Purpose;
pub use sending::SendSettings;
pub use settings::Settings;
pub use tokens::{ApiToken, ApiTokens, Scope};

use std::path::PathBuf;

/// Loads the settings of a server. `file` is the one named with `--config`; without it, `receiptd.toml` is read if it
/// exists.
pub fn load(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
    file: Option<PathBuf>,
) -> Result<Settings, ConfigError> {
    load_for(Purpose::Serve, flags, environment, file).map(|(settings, _)| settings)
}

/// Loads the settings that `purpose` needs, and returns for each setting where it comes from.
pub fn load_for(
    purpose: Purpose,
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
    file: Option<PathBuf>,
) -> Result<(Settings, Vec<Setting>), ConfigError> {
    let merged = layers::merge(purpose, flags, environment, file)?;
    let all = origin::settings(&merged.table, &merged.origins);
    let raw = toml::Value::Table(merged.table)
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::one(error.message().to_owned()))?;
    let settings = Settings::new(raw, purpose, &merged.files, merged.foreign)?;
    Ok((settings, all))
}
