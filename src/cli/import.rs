//! `receiptd import`

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    output::{self, usage_error},
    pairs::{given, texts},
    settings,
    target::{Target, TargetArgs},
};
use crate::{
    clock::Clock,
    maintenance::{ImportOptions, ImportReport, Importer},
    storage::Access,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Webex Connect's export of failed notifications (CSV, TXT or JSON); or notification bodies as JSON, one per line,
    /// in an array, or pretty-printed; or an export of receiptd (notifications, inbound or quarantine). UTF-8 or
    /// UTF-16; - is standard input
    file: PathBuf,
    /// Format: csv (with commas, semicolons, tabs or bars), txt (with tabs), json or ndjson (default: detected)
    #[arg(long)]
    format: Option<String>,
    /// The column that contains the notification
    #[arg(long, value_name = "payload=HEADER", default_value = "payload=Payload")]
    columns: String,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The maximum number of unreadable rows that are printed.
const SHOWN: usize = 20;

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let pairs = given([("columns", Some(args.columns)), ("format", args.format)]);
    let (file, bar) = open(&args.file)?;
    let report = match args.target.resolve()? {
        Target::Server(client) => client.import(&pairs, file).await?,
        Target::Database(settings) => {
            let options = ImportOptions::parse(texts(&pairs)).map_err(|errors| usage_error(&errors))?;
            let (store, settings) = settings::open_for(Access::Write, settings).await?;
            let importer = Importer::new(&store, settings.zone, Clock::system());
            importer.import(&settings::user(), file, options).await?
        }
    };
    bar.finish_and_clear();
    if args.json {
        return output::json(&report);
    }
    show(&report);
    Ok(())
}

/// Opens the file, with a bar that shows how much was read.
fn open(path: &Path) -> anyhow::Result<(Box<dyn Read + Send>, ProgressBar)> {
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {elapsed}, {eta} to go");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    if path == Path::new("-") {
        let bar = ProgressBar::no_length().with_style(ProgressStyle::default_spinner());
        return Ok((Box::new(bar.wrap_read(io::stdin())), bar));
    }
    let cannot = || format!("{} cannot be read", path.display());
    let file = File::open(path).with_context(cannot)?;
    let bar = ProgressBar::new(file.metadata().with_context(cannot)?.len()).with_style(style);
    Ok((Box::new(bar.wrap_read(file)), bar))
}

fn show(report: &ImportReport) {
    let ImportReport { new, known, unreadable, unreadable_rows } = report;
    if new + known + unreadable == 0 {
        return output::line("the file has no rows; nothing was loaded");
    }
    output::line(format!("{new} new, {known} known, {unreadable} unreadable"));
    for row in unreadable_rows.iter().take(SHOWN) {
        output::line(format!("row {}: {}", row.row, row.reason));
    }
    if *unreadable > SHOWN as u64 && unreadable_rows.len() > SHOWN {
        output::line("use --json to see more rows");
    }
}
