//! `receiptd restore`

use std::path::PathBuf;

use anyhow::bail;
use secrecy::ExposeSecret;

use super::{
    audit::head,
    backup::refused,
    output::{self, UsageError},
    settings::{SettingsArgs, user},
};
use crate::{
    clock::Clock,
    config::Purpose,
    maintenance::{Restore, RestoreError, RestoreReport},
};

#[derive(clap::Args)]
#[command(
    after_help = "The server must be stopped. A backup is refused if it is damaged, if its hash chain does not verify, or if it has a \
                  table, a trigger, a view or an index that does not belong to receiptd. Give --head: without it, the missing \
                  end of a truncated history is not detected. \
                  Messages that waited to be sent become unconfirmed, since they may have been sent after the backup.\n\n\
                  On Postgres, restore the database with its own tools, and run this without FILE before the server starts."
)]
pub(super) struct Args {
    /// The backup of `receiptd backup`. On Postgres, none
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Everything up to this head must be in the backup: 64 digits, or a file with an output of `audit verify`
    #[arg(long, value_name = "HASH|FILE")]
    head: Option<String>,
    /// Rename an existing database to NAME.replaced
    #[arg(long)]
    force: bool,
    /// Send the waiting messages. Use this only if it is certain that nothing was sent since the backup
    #[arg(long)]
    resend: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let head = args.head.as_deref().map(head).transpose()?;
    let settings = args.settings.load_quietly(Purpose::Store)?;
    let url = settings.database_url.expose_secret();
    if args.file.is_none() && url.starts_with("sqlite:") {
        bail!(UsageError("name the file of the backup".to_owned()));
    }
    let restore = Restore {
        file: args.file.as_deref(),
        url,
        options: settings.database,
        aside: args.force,
        head,
        signing_key: settings.signing_key.as_ref(),
        resend: args.resend,
    };
    let report = restore.run(&user(), &Clock::system()).await.map_err(|error| match error {
        RestoreError::Backup(error) => {
            refused(error, "restore Postgres with pg_restore or from its base backup, then run this without a file")
        }
        error => error.into(),
    })?;
    if args.json {
        return output::json(&report);
    }
    show(&report);
    Ok(())
}

fn show(report: &RestoreReport) {
    output::line(format!("restored: {} verified rows", report.rows));
    if let Some(head) = &report.head {
        output::line(format!("head {head}"));
    }
    if report.unconfirmed > 0 {
        let consequence =
            "messages were waiting to be sent and are now unconfirmed: they may have been sent since the backup";
        output::line(format!("{} {consequence}", report.unconfirmed));
    }
    if let Some(replaced) = &report.replaced {
        output::line(format!("the previous database is {}", replaced.display()));
    }
}
