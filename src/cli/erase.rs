//! `receiptd erase`

use super::{
    output::{self, WrongUse},
    settings::{self, user},
    source::SourceArgs,
};
use crate::{
    audit::{Eraser, ErasureView},
    clock::Clock,
    domain::Person,
    storage::Access,
};

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
    let person = Person::new(&args.to).map_err(|error| WrongUse(format!("--to {error}")))?;
    let view: ErasureView = if let Some(remote) = args.source.remote()? {
        remote.erase(&args.to, args.dry_run).await?
    } else {
        // A dry run erases too, and takes it back.
        let (store, _) = settings::open_for(Access::Write, args.source.into_settings()).await?;
        Eraser::new(&store, Clock::system()).erase(&person, &user(), args.dry_run).await?
    };
    if args.json {
        return output::json(&view);
    }
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
    let done = if args.dry_run { "would be erased" } else { "erased" };
    output::table(&["what", done], rows.map(|(what, rows)| vec![what.to_owned(), rows.to_string()]));
    Ok(())
}
