//! `receiptd restore`

use std::{path::PathBuf, slice};

use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::{
    audit::head,
    backup::refused,
    output::{self, UsageError},
    settings::{SettingsArgs, user},
};
use crate::{
    audit::{self, Proof},
    clock::Clock,
    config::Purpose,
    domain::{AuditAction, LinkHash},
    storage::{self, Access, OpenOptions, Staged, Store},
};

#[derive(clap::Args)]
#[command(
    after_help = "The server must be stopped. Nothing is put in place that is damaged, whose chain does not prove, or that has a \
                  table, a trigger, a view or an index that receiptd did not make. Give --head: without one, a backup \
                  that was cut short proves too. \
                  Messages that waited to be sent become unconfirmed, since they may have been sent after the backup.\n\n\
                  On Postgres, put the database in place by its own means, and run this without FILE before the server."
)]
pub(super) struct Args {
    /// What `receiptd backup` made; on Postgres, none
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Everything that this head vouches for must be in the backup: 64 digits, or a file with what `audit verify` printed
    #[arg(long, value_name = "HASH|FILE")]
    head: Option<String>,
    /// Put a database that is there aside, as NAME.replaced
    #[arg(long)]
    force: bool,
    /// Send what waited: it is certain that nothing was sent since the backup
    #[arg(long)]
    resend: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was restored.
#[derive(Serialize)]
struct Report {
    /// How many rows the chain vouches for.
    rows: u64,
    /// Vouches for all of them: `audit verify --head`.
    head: Option<String>,
    /// How many messages waited to be sent and are unconfirmed now.
    unconfirmed: usize,
    /// Where the database is that was there before.
    replaced: Option<PathBuf>,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let head = args.head.as_deref().map(head).transpose()?;
    let settings = args.settings.load_quietly(Purpose::Store)?;
    let url = settings.database_url.expose_secret();
    let by_hand = "Postgres is restored by pg_restore or its base backup; then run this without a file";
    let staged = match &args.file {
        Some(file) => Some(Staged::of(file, url, args.force).await.map_err(|error| refused(error, by_hand))?),
        None if url.starts_with("sqlite:") => bail!(UsageError("name the backup".to_owned())),
        None => None,
    };
    let place = staged.as_ref().map_or_else(|| url.to_owned(), Staged::url);
    // A copy of the backup is ours to bring up to date; a server's schema is not.
    let access = if staged.is_some() { Access::Migrate } else { Access::Write };
    let options = OpenOptions { access, ..settings.database };
    let store = storage::open(&place, options).await.context("the backup")?;
    let report = put_right(&store, head, args.resend).await;
    store.health.close().await;
    let mut report = report?;
    if let Some(staged) = staged {
        report.replaced = staged.put_in_place().await.map_err(|error| refused(error, by_hand))?;
    }
    if args.json {
        return output::json(&report);
    }
    show(&report);
    Ok(())
}

/// Proves it, and makes it fit to go on from.
async fn put_right(store: &Store, head: Option<LinkHash>, resend: bool) -> anyhow::Result<Report> {
    let verdict = Proof::new(store).verify(head).await?;
    if let Some(finding) = verdict.finding {
        bail!("in the backup, {finding}");
    }
    let clock = Clock::system();
    let entry = audit::entry(&user(), AuditAction::Restored, &clock, None);
    store.audit_log.append(slice::from_ref(&entry)).await?;
    let unconfirmed = if resend { 0 } else { store.outbox.mark_unconfirmed(clock.now(), &entry).await?.len() };
    Ok(Report { rows: verdict.rows, head: verdict.head, unconfirmed, replaced: None })
}

fn show(report: &Report) {
    output::line(format!("restored: {} rows, as its chain says", report.rows));
    if let Some(head) = &report.head {
        output::line(format!("head {head}"));
    }
    if report.unconfirmed > 0 {
        let told = "messages waited to be sent and are unconfirmed now: they may have been sent since the backup";
        output::line(format!("{} {told}", report.unconfirmed));
    }
    if let Some(replaced) = &report.replaced {
        output::line(format!("what was there before is {}", replaced.display()));
    }
}
