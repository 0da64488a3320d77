//! The flags of every command that reads the settings.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};

use anyhow::Context;
use tracing::Level;

use super::variables::{is_setting, readable, variable};
use crate::{
    clock::Clock,
    config::{self, Flags, Purpose, Setting, Settings},
    domain::Actor,
    observe::{self, LogFilter},
    projection::{CatchUp, Projector},
    storage::{self, Access, OpenOptions, Store},
};

const CONFIG: &str = "Read settings from this file (default: receiptd.toml, if it exists)  [env: RECEIPTD_CONFIG]";
const DATABASE_URL: &str = "sqlite://PATH (created if it does not exist) or postgres://…  [env: RECEIPTD_DATABASE_URL] \
                            [default: sqlite://receiptd.db]";

/// The flags that select the settings.
#[derive(clap::Args, Clone)]
pub(super) struct SettingsArgs {
    #[arg(long, value_name = "FILE", help = CONFIG)]
    config: Option<PathBuf>,
    #[arg(long, value_name = "URL", help = DATABASE_URL)]
    database_url: Option<String>,
}

impl SettingsArgs {
    /// Loads the settings that `purpose` needs, overridden by `flags`, and returns where each of them comes from.
    pub(super) fn load(self, purpose: Purpose, flags: Flags) -> anyhow::Result<(Settings, Vec<Setting>)> {
        let flags = Flags { database_url: self.database_url, ..flags };
        // `vars` would panic at a variable of another program that is not Unicode.
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

    /// Loads the settings for a command that is not a server. It logs only warnings and errors.
    pub(super) fn load_quietly(self, purpose: Purpose) -> anyhow::Result<Settings> {
        let (settings, _) = self.load(purpose, Flags::default())?;
        observe::init_logging(&log_filter(LogFilter::at_least(Level::WARN))?, settings.log_format);
        Ok(settings)
    }
}

/// The filter in `RUST_LOG`, or `otherwise` if it is not set.
pub(super) fn log_filter(otherwise: LogFilter) -> anyhow::Result<LogFilter> {
    match variable("RUST_LOG")? {
        Some(text) => {
            let problem = "RUST_LOG is not a valid log filter; write it as in receiptd=debug,warn";
            LogFilter::new(&text).context(problem)
        }
        None => Ok(otherwise),
    }
}

/// Opens the database of the settings, with everything that was acknowledged.
pub(super) async fn open(settings: &Settings) -> anyhow::Result<Store> {
    let url = secrecy::ExposeSecret::expose_secret(&settings.database_url);
    let open = async |access| {
        let options = OpenOptions { access, ..settings.database };
        let store = storage::open(url, options).await.context("database_url")?;
        if let Some(key) = &settings.signing_key {
            store.hash_chain.sign_with(key.clone());
        }
        anyhow::Ok(store)
    };
    let store = open(settings.database.access).await?;
    let project = async |store| Projector::new(store, Clock::system()).project_all().await;
    if settings.database.access != Access::Read {
        project(&store).await?;
        return Ok(store);
    }
    // A running server does this within milliseconds.
    let catch_up = CatchUp::new(&store, settings.catch_up, Clock::system());
    if let Some(behind) = catch_up.wait().await? {
        let projected = match open(Access::Write).await {
            Ok(writer) => {
                let projected = project(&writer).await.map_err(anyhow::Error::from);
                writer.health.close().await;
                projected
            }
            Err(error) => Err(error),
        };
        if let Err(error) = projected {
            let behind = behind.as_secs();
            tracing::warn!(
                error = observe::causes(error.as_ref()),
                "what arrived in the last {behind} s is stored and missing here, until the server processes it"
            );
        }
    }
    Ok(store)
}

/// Opens the database of the settings for `access`. Only `serve`, `send` and `migrate` may create it or change its schema.
pub(super) async fn open_for(access: Access, args: SettingsArgs) -> anyhow::Result<(Store, Settings)> {
    let mut settings = args.load_quietly(Purpose::Store)?;
    settings.database.access = access;
    Ok((open(&settings).await?, settings))
}

/// The access that a command with `--dry-run` needs.
pub(super) fn access(dry_run: bool) -> Access {
    if dry_run { Access::Read } else { Access::Write }
}

/// The user of the command, for the audit log: the name in the environment, which anyone can choose, and the user of the
/// operating system.
pub(super) fn user() -> Actor {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    Actor::cli(&user.unwrap_or_else(|| "unknown".to_owned())).run_by(os_user())
}

/// The user that runs this process: its number, and its name in `/etc/passwd`. `None` if there is no `/proc`.
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
