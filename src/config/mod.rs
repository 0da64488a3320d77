//! The settings. Precedence: flags > environment > file > `config.default.toml`.
//!
//! To add a setting, add it to `config.default.toml` and to [`Settings`]; the environment variable, the check for
//! unknown names and `check-config` follow from the defaults file. A setting that commands other than `serve` need
//! belongs in `purpose` too, and a secret in `origin`.
//!
//! | File | Holds |
//! | --- | --- |
//! | `layers` | merges the sources into one table |
//! | `names` | names of settings and variables, and which variables Kubernetes makes |
//! | `origin` | where each setting was made, and how it may be shown |
//! | `purpose` | which settings count for which command |
//! | `raw` | the merged table as types of the file format |
//! | `errors` | what is wrong with them, all together |
//! | `settings` | what the program uses; refuses what is contradictory or unsafe |
//! | `exposure` | whether others can reach the server, and what is required then |
//! | `secret_length` | how long secrets have to be |
//! | `public_url` | whether the notify URL leads to this server |
//! | `authentication` | what the notify URL asks for |
//! | `sending` | where the platform is, and how to send |
//! | `connections` | how many connections there may be, and how long they may be silent |
//! | `credentials` | who we are to the platform |
//! | `deadlines` | when messages are overdue |
//! | `networks` | lists of IP addresses: proxies, and who may come |
//! | `dispatch_limits` | how fast to send |
//! | `retention` | for how long things are kept |
//! | `tls` | the certificate of the server |
//! | `tokens` | who may use the API |

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
mod settings;
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

/// Loads the settings of a server. `file` is the one named with `--config`; without it, `receiptd.toml` is read if it is
/// there.
pub fn load(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
    file: Option<PathBuf>,
) -> Result<Settings, ConfigError> {
    load_for(Purpose::Serve, flags, environment, file).map(|(settings, _)| settings)
}

/// Loads the settings that `purpose` needs, and tells of each setting where it was made.
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
