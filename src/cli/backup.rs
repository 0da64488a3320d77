//! `receiptd backup FILE`

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::bail;
use indicatif::{HumanBytes, ProgressBar};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{
    output::{self, UsageError},
    settings::SettingsArgs,
};
use crate::{
    config::Purpose,
    storage::{self, BackupError},
};

#[derive(clap::Args)]
#[command(
    after_help = "The server may be running: the copy contains everything that was acknowledged before it began. \
                        The copy is checked, and gets its name only when it is complete and synced."
)]
pub(super) struct Args {
    /// The file to create. It must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    if args.file == Path::new("-") {
        bail!(UsageError(
            "a backup is a database file, which cannot be written to standard output; name a file".to_owned()
        ));
    }
    let settings = args.settings.load_quietly(Purpose::Store)?;
    let start = Instant::now();
    let bar = ProgressBar::new_spinner().with_message("copying and checking");
    bar.enable_steady_tick(Duration::from_millis(100));
    let bytes = storage::backup(settings.database_url.expose_secret(), &args.file).await;
    bar.finish_and_clear();
    let bytes = bytes.map_err(|error| refused(error, "back up Postgres with pg_dump or pg_basebackup"))?;
    if args.json {
        return output::json(&json!({"file": args.file, "bytes": bytes}));
    }
    let (size, took) = (HumanBytes(bytes), start.elapsed().as_secs_f64());
    output::line(format!("{}: {size}, in {took:.1} s", args.file.display()));
    Ok(())
}

/// Turns errors that only other arguments can avoid into usage errors.
pub(super) fn refused(error: BackupError, on_postgres: &str) -> anyhow::Error {
    match error {
        BackupError::NoFile => UsageError(format!("{error}; {on_postgres}")).into(),
        BackupError::Exists(_) => UsageError(error.to_string()).into(),
        error => error.into(),
    }
}
