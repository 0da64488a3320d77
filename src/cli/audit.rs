//! `receiptd audit` and `receiptd audit verify`

use std::path::Path;

use anyhow::{Context, bail};

use super::{
    output::{self, WrongUse, or_dash},
    settings,
    source::{SourceArgs, found_wrong},
};
use crate::storage::Access;
use crate::{
    audit::{Proof, Trail, TrailView, Verdict},
    clock::Clock,
    domain::{Cutoffs, LinkHash, ListRequest},
};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verify: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Prove that nothing that was stored is altered, lost or added behind receiptd's back
    Verify(Verify),
}

#[derive(clap::Args)]
struct List {
    /// At most so many, 1 to 500
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// Continue where the page before ended
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Verify {
    /// Everything that this head vouches for must still be there: 64 digits, or a file with what `verify` printed then
    #[arg(long, value_name = "HASH|FILE")]
    head: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args.verify {
        Some(Command::Verify(args)) => verify(args).await,
        None => list(args.list).await,
    }
}

async fn list(args: List) -> anyhow::Result<()> {
    let pairs = [("limit", args.limit), ("cursor", args.cursor)];
    let pairs: Vec<_> = pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let page: TrailView = if let Some(remote) = args.source.remote()? {
        remote.list("v1/audit", &pairs).await?
    } else {
        let place = ListRequest::parse(pairs.iter().map(|(name, value)| (*name, value.as_str())), &Cutoffs::default());
        let place = place.map_err(|faults| found_wrong(&faults))?;
        let (store, _) = settings::open_for(Access::Read, args.source.into_settings()).await?;
        Trail::start(&store, Clock::system()).list(place.after.as_ref(), place.limit).await?
    };
    if args.json {
        return output::json(&page);
    }
    let rows = page
        .items
        .into_iter()
        .map(|entry| vec![entry.at, entry.actor, entry.deed, entry.count.to_string(), or_dash(entry.details.as_ref())]);
    output::found("no entries", &["at", "who", "did", "how many", "details"], rows);
    if let Some(cursor) = page.next_cursor {
        output::line(format!("more: --cursor {cursor}"));
    }
    Ok(())
}

async fn verify(args: Verify) -> anyhow::Result<()> {
    let head = args.head.as_deref().map(head).transpose()?;
    let verdict: Verdict = if let Some(remote) = args.source.remote()? {
        let pairs: Vec<_> = head.iter().map(|head| ("head", head.to_string())).collect();
        remote.list("v1/audit/verify", &pairs).await?
    } else {
        let (store, _) = settings::open_for(Access::Write, args.source.into_settings()).await?;
        Proof::new(&store).verify(head).await?
    };
    if args.json {
        output::json(&verdict)?;
    }
    match (&verdict.finding, &verdict.head) {
        (Some(finding), _) => {
            bail!("{} {} was {}: {}", finding.table, finding.key, finding.what, finding.detail)
        }
        (None, Some(head)) if !args.json => {
            let Verdict { rows, links, chains, .. } = verdict;
            output::line(format!("sound: {rows} rows, as {links} links of {chains} chains say"));
            output::line(format!("head {head}"));
        }
        _ => {}
    }
    Ok(())
}

/// The hash itself, or a file that holds it somewhere.
pub(super) fn head(text: &str) -> anyhow::Result<LinkHash> {
    if let Some(hash) = LinkHash::parse(text) {
        return Ok(hash);
    }
    if !Path::new(text).is_file() {
        bail!(WrongUse("--head is neither 64 hexadecimal digits nor a file".to_owned()));
    }
    let content = std::fs::read_to_string(text).with_context(|| format!("{text} cannot be read"))?;
    let mut words = content.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(LinkHash::parse).with_context(|| format!("{text} holds no head: 64 hexadecimal digits"))
}
