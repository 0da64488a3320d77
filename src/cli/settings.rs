//! The flags that every command shares which works with the settings.

use std::path::PathBuf;

use anyhow::Context;

use crate::{
    config::{self, Flags, Settings},
    domain::Actor,
    observe,
    storage::Store,
};

/// Variables of the command line and of the tests; they are no settings.
const NO_SETTINGS: [&str; 5] =
    ["RECEIPTD_CONFIG", "RECEIPTD_SERVER", "RECEIPTD_TOKEN", "RECEIPTD_SIMULATE_", "RECEIPTD_TEST_"];

const DATABASE_URL: &str = "sqlite://PATH (created if absent) or postgres://…  [env: RECEIPTD_DATABASE_URL] \
                            [default: sqlite://receiptd.db]";

/// Where the settings come from.
#[derive(clap::Args, Clone)]
pub(super) struct SettingsArgs {
    /// Read settings from this file (default: receiptd.toml, if it is there)
    #[arg(long, value_name = "FILE", env = "RECEIPTD_CONFIG")]
    config: Option<PathBuf>,
    #[arg(long, value_name = "URL", help = DATABASE_URL)]
    database_url: Option<String>,
}

impl SettingsArgs {
    /// The settings, with `flags` on top.
    pub(super) fn load(self, flags: Flags) -> anyhow::Result<Settings> {
        let flags = Flags { database_url: self.database_url, ..flags };
        let is_setting = |name: &str| !NO_SETTINGS.iter().any(|other| name.starts_with(other));
        // By vars_os, since one of somebody else's that is not Unicode must not stop us.
        let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let environment = environment.filter(|(name, _)| is_setting(name));
        let environment = environment.map(|(name, value)| (name, value.to_string_lossy().into_owned()));
        Ok(config::load(&flags, environment, self.config)?)
    }

    /// The same for a command that is no server: it logs only what went wrong.
    pub(super) fn load_quietly(self) -> anyhow::Result<Settings> {
        let settings = self.load(Flags::default())?;
        observe::init_logging("warn", settings.log_format);
        Ok(settings)
    }
}

/// Opens the store of the settings.
pub(super) async fn open(settings: &Settings) -> anyhow::Result<Store> {
    let url = secrecy::ExposeSecret::expose_secret(&settings.database_url);
    crate::storage::open(url, settings.database).await.context("database_url")
}

/// Opens the store of these settings where there is one: a command must not leave an empty database in the wrong place.
pub(super) async fn open_existing(args: SettingsArgs) -> anyhow::Result<(Store, Settings)> {
    let mut settings = args.load_quietly()?;
    settings.database.create = false;
    Ok((open(&settings).await?, settings))
}

/// Whoever runs the command, for the trail.
pub(super) fn user() -> Actor {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    Actor::cli(&user.unwrap_or_else(|| "unknown".to_owned()))
}
