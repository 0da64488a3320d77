//! `receiptd export`

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    pin::pin,
};

use anyhow::Context;
use futures_util::{Stream, StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    filter::FilterArgs,
    output::usage_error,
    output_file::OutputFile,
    pairs::{given, texts},
    settings,
    target::{Target, TargetArgs},
};
use crate::{
    audit::AuditWriter,
    clock::Clock,
    maintenance::{Export, ExportRequest},
    storage::Access,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// What to export: messages, failures, notifications, inbound, quarantine, audit
    #[arg(long, value_name = "WHAT", default_value = "messages")]
    of: String,
    /// Format: csv or ndjson
    #[arg(long, default_value = "csv")]
    format: String,
    /// Begin CSV with a byte order mark, for spreadsheets that need it to read UTF-8
    #[arg(long)]
    bom: bool,
    /// Write to this file. It appears when it is complete. A new file is readable only by its owner; an existing file keeps
    /// its mode and owner. A pipe or device is written to directly; - is standard output [default: -]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// For the audit log: only entries of this actor
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// For the audit log: only this action, as in receiptd audit
    #[arg(long, value_name = "WORD")]
    action: Option<String>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let mut pairs = vec![("of", args.of), ("format", args.format), ("bom", args.bom.to_string())];
    pairs.extend(args.filter.into_pairs());
    pairs.extend(given([("actor", args.actor), ("action", args.action)]));
    match args.target.resolve()? {
        Target::Server(client) => {
            let bytes = client.export(&pairs).await?.bytes_stream().map_err(anyhow::Error::from);
            write(bytes.map_ok(|bytes| bytes.to_vec()), args.output.as_deref()).await
        }
        Target::Database(settings) => {
            let (store, settings) = settings::open_for(Access::Write, settings).await?;
            let cutoffs = settings.deadlines.cutoffs(Clock::system().now());
            let request = ExportRequest::parse(texts(&pairs), &cutoffs).map_err(|errors| usage_error(&errors))?;
            let audit = AuditWriter::start(&store, Clock::system());
            let export = Export::begin(&store, request, &audit, &settings::user()).await?;
            let pieces = export.pieces().map_err(anyhow::Error::from);
            write(pieces.map_ok(|piece| piece.bytes), args.output.as_deref()).await
        }
    }
}

async fn write(pieces: impl Stream<Item = anyhow::Result<Vec<u8>>>, path: Option<&Path>) -> anyhow::Result<()> {
    let mut file = OutputFile::open(path)?;
    let bar = progress(&file);
    let mut pieces = pin!(pieces);
    while let Some(piece) = pieces.next().await {
        let piece = piece.context("the export ended too early")?;
        bar.inc(piece.len() as u64);
        file.write_all(&piece).with_context(|| file.cannot())?;
    }
    file.finish()?;
    bar.finish_and_clear();
    Ok(())
}

/// The progress of an export, whose number of rows is not known in advance. It is hidden if the rows go to the terminal.
fn progress(file: &OutputFile) -> ProgressBar {
    if file.is_stdout() && std::io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {bytes} written, {bytes_per_sec}, {elapsed}");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}
