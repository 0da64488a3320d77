//! `receiptd audit` and `receiptd audit verify`

use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::{
    filter::time,
    output::{self, UsageError, or_dash, usage_error},
    pairs::{given, texts},
    settings,
    target::{Target, TargetArgs},
    views::{self, Source},
};
use crate::{
    audit::{AuditView, AuditWriter, Expected, Proof, PublicKey, Signed, SignedBodies, SigningKey, Verdict},
    clock::Clock,
    domain::{AuditRequest, LinkHash, ViewedList},
    query::Query,
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
  - a row of any table that was altered, removed or added, or that was swapped with another one
Detected only if the links are signed (audit.signing_key_file), or with --head, because otherwise anyone who can write to the
database can recompute the links:
  - any of these changes, if all later links were recomputed
Detected only with --head:
  - the removal of everything after some point, including the links
Counted, if notify.hub_secrets is set:
  - bodies that came with a signature of the platform, and those whose signature is valid: someone who knows the secret wrote them

Not detected: changes of a status event in the minute after it was written, except of the last one of each message; and a message
whose creation time or first recipient becomes that of another one of its notifications.";

const UNSIGNED: &str = "Not proved without a key: that no one who can write to the database has recomputed the links.";
const WITHOUT_HEAD: &str = "Not proved without --head: that the latest rows are still there.";
const WITH_HEAD: &str = "Since that head, nothing was cut off, and no link before it was recomputed.";

#[derive(clap::Subcommand)]
enum Command {
    /// Verify that nothing in the database was altered, removed or added outside receiptd
    #[command(after_help = VERIFY)]
    Verify(Verify),
    /// Make a key that signs the hash chain, and print its public half. The settings name the file
    CreateKey(CreateKey),
}

#[derive(clap::Args)]
struct CreateKey {
    /// The file to write. It must not exist yet
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(clap::Args)]
struct List {
    /// Only entries of this actor: the name of a token, cli:NAME, server or anonymous
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only this action: sent, cancelled, exported, imported, retried, rebuilt, purged, erased, restored, read,
    /// verified
    #[arg(long, value_name = "WORD")]
    action: Option<String>,
    /// At or after this time: RFC 3339, a date, today, yesterday, or an age such as 24h or 7d. Days are in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<String>,
    /// Before this time, in the same forms
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<String>,
    /// Add the filters of this saved view; `receiptd views` lists them
    #[arg(long, value_name = "NAME")]
    view: Option<String>,
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
    /// A file with the public half of the key that signs the links; several keys may be in it. Without this, the key in the
    /// settings counts, and with --server that of the server
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    public_key: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args.verify {
        Some(Command::Verify(args)) => verify(args).await,
        Some(Command::CreateKey(args)) => create_key(&args.file),
        None => list(args.list).await,
    }
}

async fn list(args: List) -> anyhow::Result<()> {
    let mut pairs = given([
        ("actor", args.actor),
        ("action", args.action),
        ("since", args.since),
        ("until", args.until),
        ("limit", args.limit),
        ("cursor", args.cursor),
    ]);
    let view = args.view.as_deref();
    let page: AuditView = match args.target.resolve()? {
        Target::Server(client) => {
            views::add(view, ViewedList::Audit, Source::Server(&client), &mut pairs).await?;
            client.list("v1/audit", &pairs).await?
        }
        Target::Database(settings) => {
            let (store, settings) = settings::open_for(Access::Read, settings).await?;
            let query = Query::new(&store, settings.deadlines, Clock::system());
            views::add(view, ViewedList::Audit, Source::Database(&query), &mut pairs).await?;
            let request = AuditRequest::parse(texts(&pairs)).map_err(|errors| usage_error(&errors))?;
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
            let (store, settings) = settings::open_for(Access::Write, settings).await?;
            let keys = match &args.public_key {
                Some(file) => public_keys(file)?,
                None => settings.signing_key.iter().map(|key| key.public_key()).collect(),
            };
            let hub_secrets = settings.authentication.hub_secrets();
            let verdict = Proof::new(&store).verify(&Expected { head, keys, hub_secrets }).await?;
            let log = AuditWriter::start(&store, Clock::system());
            let recorded = log.record_verification(&settings::user(), verdict.rows, &verdict.result(head)).await;
            recorded.context("nothing wrong was found, but this cannot be recorded")?;
            verdict
        }
    };
    if args.json {
        output::json(&verdict)?;
    }
    match (&verdict.finding, &verdict.head) {
        (Some(finding), _) => bail!("{finding}"),
        (None, Some(head)) if !args.json => {
            let Verdict { rows, links, chains, messages, attested, .. } = verdict;
            output::line(format!(
                "Verified: {rows} rows in {links} links of {chains} chains, and {messages} messages that follow from them. \
                 Nothing was altered, removed or added outside receiptd."
            ));
            if attested > 0 {
                let why = "some of their notifications were purged, or a person was erased";
                output::line(format!("{attested} more messages are as receiptd left them: {why}."));
            }
            match &verdict.signed {
                Some(Signed { links, since: Some(since) }) => {
                    output::line(format!("{links} links are signed, and all links since {since} must be."));
                }
                _ => output::line(UNSIGNED),
            }
            if let Some(SignedBodies { stored, valid }) = verdict.signed_bodies {
                output::line(format!(
                    "{stored} stored bodies came with a signature of the platform; {valid} of these signatures are valid with \
                     notify.hub_secrets."
                ));
            }
            output::line(if args.head.is_none() { WITHOUT_HEAD } else { WITH_HEAD });
            output::line(format!("head {head}"));
        }
        _ => {}
    }
    Ok(())
}

/// Writes a new key to a file that only its owner can read.
fn create_key(file: &Path) -> anyhow::Result<()> {
    let pem = SigningKey::create()?;
    let public = SigningKey::from_pem(&pem)?.public_key();
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let mut created = open.with_context(|| format!("{} cannot be created", file.display()))?;
    created.write_all(pem.as_bytes()).and_then(|()| created.sync_all()).with_context(|| {
        let _ = std::fs::remove_file(file);
        format!("{} cannot be written", file.display())
    })?;
    public.to_pem().lines().for_each(output::line);
    Ok(())
}

fn public_keys(file: &Path) -> anyhow::Result<Vec<PublicKey>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    PublicKey::all_from_pem(&text).with_context(|| file.display().to_string())
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
