//! Acts on all messages of a filter, which a running server does: `receiptd cancel` with filters, and `receiptd resend`.

use anyhow::{Context, bail};
use reqwest::Response;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    client::Client,
    filter::FilterArgs,
    output::{self, UsageError, visible},
    pairs::texts,
    target::{Target, TargetArgs},
};
use crate::{query::search_body, send::BulkProgress};

/// The flags that select messages for an act.
#[derive(clap::Args)]
pub(super) struct SelectionArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Take all messages, without any filter
    #[arg(long)]
    all: bool,
    /// Why, for the audit log. For messages of a filter; required unless --dry-run is given
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
}

/// The messages for an act.
pub(super) struct Selection {
    /// The filters, as the API takes them.
    pub(super) filter: Value,
    /// Why. `None`: only show what would be done.
    pub(super) reason: Option<String>,
}

impl SelectionArgs {
    /// Refuses these flags beside the id of one message.
    pub(super) fn refuse_beside_an_id(self) -> anyhow::Result<()> {
        if self.all || !self.filter.into_pairs().is_empty() {
            bail!(UsageError("give the id of one message, or filters, but not both".to_owned()));
        }
        if self.dry_run || self.reason.is_some() {
            let detail = "--reason and --dry-run are for messages of a filter; leave them out for one message";
            bail!(UsageError(detail.to_owned()));
        }
        Ok(())
    }

    /// Returns what is selected; `None` if none of these flags is given.
    pub(super) fn selection(self) -> anyhow::Result<Option<Selection>> {
        let pairs = self.filter.into_pairs();
        let has_filters = !pairs.is_empty();
        if !has_filters && !self.all {
            if self.dry_run || self.reason.is_some() {
                bail!(UsageError("select messages by filters, or all of them with --all".to_owned()));
            }
            return Ok(None);
        }
        if has_filters && self.all {
            bail!(UsageError("--all is for messages without any filter; leave it out".to_owned()));
        }
        let reason = match (self.dry_run, self.reason) {
            (true, _) => None,
            (false, Some(reason)) => Some(reason),
            (false, None) => bail!(UsageError(
                "give a --reason, which goes to the audit log; or --dry-run, to see what would be done".to_owned()
            )),
        };
        Ok(Some(Selection { filter: search_body(texts(&pairs)).into(), reason }))
    }
}

/// The server that acts. A database alone is not enough: the act would not know what the server is sending.
pub(super) fn server(target: TargetArgs) -> anyhow::Result<Client> {
    match target.resolve()? {
        Target::Server(client) => Ok(client),
        Target::Database(_) => {
            let detail = "an act on many messages needs a running server: give --server, or set RECEIPTD_SERVER";
            bail!(UsageError(detail.to_owned()))
        }
    }
}

/// Asks what the act at `path` would do.
pub(super) async fn preview<P: DeserializeOwned>(client: &Client, path: &str, filter: &Value) -> anyhow::Result<P> {
    let answer = client.act(path, &json!({ "filter": filter, "dryRun": true })).await?;
    answer.json().await.context("the server's answer cannot be read")
}

/// Does the act at `path`, and prints its progress. If this command is ended, the server stops too.
pub(super) async fn run<P: BulkProgress + DeserializeOwned>(
    client: &Client,
    path: &str,
    request: &Value,
    json: bool,
    words: impl Fn(&P) -> String,
) -> anyhow::Result<()> {
    let mut answer = client.act(path, request).await?;
    let (mut pending, mut is_finished) = (Vec::new(), false);
    while let Some(line) = next_line(&mut answer, &mut pending).await? {
        let value: Value = serde_json::from_slice(&line).context("the server's answer cannot be read")?;
        if let Some(problem) = value["detail"].as_str() {
            bail!("the act is not complete: {}", visible(problem));
        }
        let progress: P = serde_json::from_value(value).context("the server's answer cannot be read")?;
        is_finished = progress.is_finished();
        show(&progress, json, &words)?;
    }
    anyhow::ensure!(is_finished, "the connection ended before the act was complete");
    Ok(())
}

fn show<P: Serialize>(progress: &P, json: bool, words: impl Fn(&P) -> String) -> anyhow::Result<()> {
    if json {
        return output::json_line(progress);
    }
    output::line(words(progress));
    Ok(())
}

/// The next line of an answer. `pending` is what follows the line before.
async fn next_line(answer: &mut Response, pending: &mut Vec<u8>) -> anyhow::Result<Option<Vec<u8>>> {
    loop {
        if let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let rest = pending.split_off(end + 1);
            return Ok(Some(std::mem::replace(pending, rest)));
        }
        match answer.chunk().await.context("the connection ended before the act was complete")? {
            Some(piece) => pending.extend_from_slice(&piece),
            None => return Ok(None),
        }
    }
}
