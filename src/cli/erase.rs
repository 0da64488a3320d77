//! `receiptd erase`

use anyhow::bail;

use super::{
    output::{self, UsageError},
    settings::{self, user},
    source::SourceArgs,
};
use crate::{
    clock::Clock,
    domain::Person,
    maintenance::{Eraser, ErasureView},
};

/// Exit code 1 if nothing is stored about the address.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The person: an address, an id, or a number with its country code, in any spelling; or KIND:ID, as in
    /// userid:0123456
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    source: SourceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let person = Person::new(&args.to).map_err(|error| UsageError(format!("--to {error}")))?;
    let view: ErasureView = if let Some(remote) = args.source.remote()? {
        remote.erase(&args.to, args.dry_run).await?
    } else {
        let (store, _) = settings::open_for(settings::access(args.dry_run), args.source.into_settings()).await?;
        Eraser::new(&store, Clock::system()).erase(&person, &user(), args.dry_run).await?
    };
    if args.json {
        output::json(&view)?;
    } else if view.found {
        show(&view, args.dry_run);
    }
    if view.compressed > 0 && !args.json {
        output::line(format!(
            "{} bodies are compressed and could not be searched; `receiptd quarantine` and `receiptd inbound` list what came.",
            view.compressed
        ));
    }
    if !view.found {
        bail!("nothing is stored about this address, so nothing was erased; a number needs its country code");
    }
    Ok(())
}

fn show(view: &ErasureView, dry_run: bool) {
    let rows = [
        ("messages", view.messages),
        ("notifications", view.notifications),
        ("dispatch events", view.dispatch_events),
        ("live feed", view.changes),
        ("requests to send", view.requests),
        ("called back", view.cancelled),
        ("inbound", view.inbound),
        ("quarantine", view.quarantine),
        ("under way; erase once more", view.under_way),
    ];
    let done = if dry_run { "would be erased" } else { "erased" };
    output::table(&["what", done], rows.map(|(what, rows)| vec![what.to_owned(), rows.to_string()]));
}
