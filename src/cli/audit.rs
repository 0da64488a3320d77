//! `receiptd audit` and `receiptd audit verify`

use std::path::Path;

use anyhow::{Context, bail};

use super::{
    filter::time,
    output::{self, UsageError, or_dash, usage_error},
    pairs::{given, texts},
    settings,
    target::{Target, TargetArgs},
};
use crate::{
    audit::{AuditView, AuditWriter, Proof, Verdict},
    clock::Clock,
    domain::{AuditRequest, LinkHash},
    storage::Access,
};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verify: Option<Command>,
    #[command(flatten)]
    list: List,
}

const VERIFY: &str = "\
Detected, and reported with the table and the row:
  - a notification, a dispatch step or a link of the hash chain that was altered, removed or added
  - a message that was removed although its notifications or dispatch steps exist
  - a status, final, failure, code, reason or transaction id of a message that does not follow from them
  - a counter that differs from the number of messages
Detected only with --head, because the chain has no key and anyone who can write to the database can recompute it:
  - any of these changes, if all later links were recomputed
  - the removal of everything after some point, including the links

Not detected: changes elsewhere in the database, such as in the audit log, inbound
messages, quarantine, outbox, idempotency keys and status events; and changes of a message's channel, sender, recipient,
segments, callback data and times. After the notification that decided a status was purged, the status cannot be recomputed.
The output states how many messages this concerns.";

/// What `verify` does not check, as one line of the output.
const NOT_VERIFIED: &str = "Not verified: everything else, such as the audit log, inbound messages, quarantine and the outbox; and the \
                          channel, sender, recipient, segments, callback data and times of messages.";

#[derive(clap::Subcommand)]
enum Command {
    /// Verify that notifications and dispatch steps are unaltered, and that statuses and counters follow from
    /// them. Not verified: the audit log itself, inbound messages, quarantine, the outbox, the recipients of messages
    #[command(after_help = VERIFY)]
    Verify(Verify),
}

#[derive(clap::Args)]
struct List {
    /// Only entries of this actor: the name of a token, cli:NAME, server or anonymous
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only this action: sent, cancelled, exported, imported, retried, rebuilt, purged, erased, restored, read
    #[arg(long, value_name = "WORD")]
    action: Option<String>,
    /// At or after this time: RFC 3339, a date, today, yesterday, or an age such as 24h or 7d. Days are in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<String>,
    /// Before this time, in the same forms
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<String>,
    /// Maximum number of entries, 1 to 500
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// Continue after the previous page
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Verify {
    /// An earlier head: 64 digits, or a file with an earlier output of `verify`. Everything up to it must still be there
    #[arg(long, value_name = "HASH|FILE")]
    head: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
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
    let pairs = given([
        ("actor", args.actor),
        ("action", args.action),
        ("since", args.since),
        ("until", args.until),
        ("limit", args.limit),
        ("cursor", args.cursor),
    ]);
    let page: AuditView = match args.target.resolve()? {
        Target::Server(client) => client.list("v1/audit", &pairs).await?,
        Target::Database(settings) => {
            let request = AuditRequest::parse(texts(&pairs)).map_err(|errors| usage_error(&errors))?;
            let (store, _) = settings::open_for(Access::Read, settings).await?;
            AuditWriter::start(&store, Clock::system()).list(&request).await?
        }
    };
    if args.json {
        return output::json(&page);
    }
    let rows = page.items.into_iter().map(|entry| {
        let (os_user, details) = (or_dash(entry.os_user.as_ref()), or_dash(entry.details.as_ref()));
        vec![entry.at, entry.actor, os_user, entry.action, entry.count.to_string(), details]
    });
    output::found("no entries", &["at", "who", "OS user", "did", "how many", "details"], rows);
    output::more(page.next_cursor.as_deref());
    Ok(())
}

async fn verify(args: Verify) -> anyhow::Result<()> {
    let head = args.head.as_deref().map(head).transpose()?;
    let verdict: Verdict = match args.target.resolve()? {
        Target::Server(client) => {
            client.list("v1/audit/verify", &given([("head", head.map(|head| head.to_string()))])).await?
        }
        Target::Database(settings) => {
            let (store, _) = settings::open_for(Access::Write, settings).await?;
            Proof::new(&store).verify(head).await?
        }
    };
    if args.json {
        output::json(&verdict)?;
    }
    match (&verdict.finding, &verdict.head) {
        (Some(finding), _) => bail!("{finding}"),
        (None, Some(head)) if !args.json => {
            let Verdict { rows, links, chains, messages, unverifiable, .. } = verdict;
            output::line(format!("Verified: {rows} rows in {links} links of {chains} chains."));
            output::line("No notification or dispatch step was altered, removed or added.");
            output::line(format!("The statuses of {messages} messages and all counters match them."));
            if unverifiable > 0 {
                let why = "the notifications that decided them were purged";
                output::line(format!("The statuses of {unverifiable} messages cannot be recomputed: {why}."));
            }
            if args.head.is_none() {
                output::line("Without --head, a removal of the latest rows is not detected.");
            }
            output::line(NOT_VERIFIED);
            output::line(format!("head {head}"));
        }
        _ => {}
    }
    Ok(())
}

/// Reads a head from the hash itself, or from a file that contains it.
pub(super) fn head(text: &str) -> anyhow::Result<LinkHash> {
    if let Some(hash) = LinkHash::parse(text) {
        return Ok(hash);
    }
    if !Path::new(text).is_file() {
        bail!(UsageError("--head must be 64 hexadecimal digits or a file".to_owned()));
    }
    let content = std::fs::read_to_string(text).with_context(|| format!("{text} cannot be read"))?;
    let mut words = content.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(LinkHash::parse).with_context(|| format!("{text} contains no head of 64 hexadecimal digits"))
}
