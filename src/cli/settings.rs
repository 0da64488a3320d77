//! The flags that every command shares which works with the settings.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};

use anyhow::Context;
use tracing::Level;

use super::variables::{is_setting, readable, variable};
use crate::{
    config::{self, Flags, Purpose, Setting, Settings},
    domain::Actor,
    observe::{self, LogFilter},
    storage::{Access, Store},
};

const CONFIG: &str = "Read settings from this file (default: receiptd.toml, if it exists)  [env: RECEIPTD_CONFIG]";
const DATABASE_URL: &str = "sqlite://PATH (created if it does not exist) or postgres://…  [env: RECEIPTD_DATABASE_URL] \
                            [default: sqlite://receiptd.db]";

/// Where the settings come from.
#[derive(clap::Args, Clone)]
pub(super) struct SettingsArgs {
    #[arg(long, value_name = "FILE", help = CONFIG)]
    config: Option<PathBuf>,
    #[arg(long, value_name = "URL", help = DATABASE_URL)]
    database_url: Option<String>,
}

impl SettingsArgs {
    /// The settings that `purpose` needs, with `flags` on top, and where each of them was made.
    pub(super) fn load(self, purpose: Purpose, flags: Flags) -> anyhow::Result<(Settings, Vec<Setting>)> {
        let flags = Flags { database_url: self.database_url, ..flags };
        // By vars_os, since one of somebody else's that is not Unicode must not stop us.
        let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let environment = environment.filter(|(name, _)| is_setting(name));
        let environment = environment.map(|(name, value)| readable(&name, value).map(|value| (name, value)));
        let environment = environment.collect::<anyhow::Result<Vec<_>>>()?;
        let file = match self.config {
            Some(file) => Some(file),
            None => variable("RECEIPTD_CONFIG")?.map(PathBuf::from),
        };
        let (settings, all) = config::load_for(purpose, &flags, environment, file)?;
        let log_filter = log_filter(settings.log_filter)?;
        Ok((Settings { log_filter, ..settings }, all))
    }

    /// The same for a command that is no server: it logs only what went wrong.
    pub(super) fn load_quietly(self, purpose: Purpose) -> anyhow::Result<Settings> {
        let (settings, _) = self.load(purpose, Flags::default())?;
        observe::init_logging(&log_filter(LogFilter::at_least(Level::WARN))?, settings.log_format);
        Ok(settings)
    }
}

/// What `RUST_LOG` says, or else `otherwise`.
pub(super) fn log_filter(otherwise: LogFilter) -> anyhow::Result<LogFilter> {
    match variable("RUST_LOG")? {
        Some(text) => {
            let told = "RUST_LOG is not a valid log filter; write it as in receiptd=debug,warn";
            LogFilter::new(&text).context(told)
        }
        None => Ok(otherwise),
    }
}

/// Opens the store of the settings.
pub(super) async fn open(settings: &Settings) -> anyhow::Result<Store> {
    let url = secrecy::ExposeSecret::expose_secret(&settings.database_url);
    crate::storage::open(url, settings.database).await.context("database_url")
}

/// Opens the store of these settings for `access`. Only `serve`, `send` and `migrate` may create it or change its schema.
pub(super) async fn open_for(access: Access, args: SettingsArgs) -> anyhow::Result<(Store, Settings)> {
    let mut settings = args.load_quietly(Purpose::Store)?;
    settings.database.access = access;
    Ok((open(&settings).await?, settings))
}

/// What a command needs that may only say what it would do.
pub(super) fn access(dry_run: bool) -> Access {
    if dry_run { Access::Read } else { Access::Write }
}

/// The user of the command, for the audit log: the name in the environment, which anyone can choose, and beside it the user
/// of the operating system.
pub(super) fn user() -> Actor {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    Actor::cli(&user.unwrap_or_else(|| "unknown".to_owned())).run_by(os_user())
}

/// The user as whom this process runs: the number, and the name in `/etc/passwd`. `None` where there is no `/proc`.
fn os_user() -> Option<String> {
    let id = fs::metadata("/proc/self").ok()?.uid();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    });
    Some(name.map_or_else(|| format!("uid {id}"), |name| format!("{name} (uid {id})")))
}
