//! `receiptd erase`

use anyhow::bail;

use super::{
    output::{self, UsageError},
    settings::{self, user},
    target::{Target, TargetArgs},
};
use crate::{
    clock::Clock,
    domain::Person,
    maintenance::{Eraser, ErasureView},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The person's address, id, or number with its country code, in any spelling; or KIND:ID, as in
    /// userid:0123456
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// Only show what would be erased
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let person = Person::new(&args.to).map_err(|error| UsageError(format!("--to {error}")))?;
    let view = match args.target.resolve()? {
        Target::Server(client) => client.erase(&args.to, args.dry_run).await?,
        Target::Database(settings) => {
            let (store, _) = settings::open_for(settings::access(args.dry_run), settings).await?;
            Eraser::new(&store, Clock::system()).erase(&person, &user(), args.dry_run).await?
        }
    };
    if args.json {
        output::json(&view)?;
    } else {
        show(&view, args.dry_run);
    }
    if !view.found {
        bail!("nothing is stored about this address, so nothing was erased; a number needs its country code");
    }
    Ok(())
}

fn show(view: &ErasureView, dry_run: bool) {
    if view.found {
        output::table(&["what", if dry_run { "would be erased" } else { "erased" }], rows(view));
    }
    if view.compressed > 0 {
        output::line(format!(
            "{} bodies are compressed and could not be searched; list them with `receiptd quarantine` and `receiptd inbound`.",
            view.compressed
        ));
    }
}

fn rows(view: &ErasureView) -> impl Iterator<Item = Vec<String>> {
    let rows = [
        ("messages", view.messages),
        ("notifications", view.notifications),
        ("dispatch events", view.dispatch_events),
        ("status events", view.status_events),
        ("requests to send", view.requests),
        ("cancelled", view.cancelled),
        ("inbound", view.inbound),
        ("quarantine", view.quarantine),
        ("saved views", view.saved_views),
        ("in dispatch; erase again later", view.under_way),
    ];
    rows.into_iter().map(|(what, rows)| vec![what.to_owned(), rows.to_string()])
}
