//! The progress of the demo, and the text at its end.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use tokio::time::interval;
use url::Url;

use crate::{
    cli::{client::Client, output, pairs::given},
    query::{ListView, MessageView},
    simulator::{Observer, Report},
};

/// Bars on a terminal, nothing elsewhere.
pub(super) struct Progress {
    messages: u64,
    submitted: Arc<AtomicU64>,
    observer: Observer,
    _bars: MultiProgress,
    submitted_bar: ProgressBar,
    notified_bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(messages: u64, submitted: Arc<AtomicU64>, observer: Observer) -> Self {
        let bars = MultiProgress::new();
        let bar = |name: &'static str, total| {
            let template = "{prefix:>20} {bar:40} {pos:>6}/{len:<6} {rate:>7}  {msg}";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let rate = |state: &ProgressState, out: &mut dyn Write| _ = write!(out, "{:.0}/s", state.per_sec());
            let style = style.with_key("rate", rate);
            bars.add(ProgressBar::new(total).with_style(style).with_prefix(name))
        };
        let (submitted_bar, notified_bar) = (bar("messages submitted", messages), bar("notifications stored", 0));
        Self { messages, submitted, observer, _bars: bars, submitted_bar, notified_bar }
    }

    /// Shows the progress until every message was submitted and no notification is due.
    pub(super) async fn follow(&self) {
        let mut tick = interval(Duration::from_millis(100));
        loop {
            tick.tick().await;
            let report = self.observer.report();
            let (submitted, posts) = (self.submitted.load(Ordering::Relaxed), &report.notifications);
            self.submitted_bar.set_position(submitted);
            self.notified_bar.set_length(posts.planned);
            self.notified_bar.set_position(posts.taken);
            self.notified_bar.set_message(format!("{} retried, {} lost on purpose", posts.retried, posts.lost));
            if submitted >= self.messages && report.accepted >= self.messages && posts.pending == 0 {
                break;
            }
        }
        self.submitted_bar.finish();
        self.notified_bar.finish();
    }
}

/// Prints the final table, and commands to try next.
pub(super) async fn close(client: &Client, server: &Url, report: &Report) -> anyhow::Result<()> {
    let stats = stats(client).await?;
    let mut statuses: Vec<&String> = stats.values().flat_map(BTreeMap::keys).collect();
    statuses.sort_unstable();
    statuses.dedup();
    let header: Vec<&str> = ["channel"].into_iter().chain(statuses.iter().map(|status| status.as_str())).collect();
    let rows = stats.iter().map(|(channel, counts)| {
        let count = |status: &&String| counts.get(*status).map_or_else(|| "-".to_owned(), u64::to_string);
        [channel.clone()].into_iter().chain(statuses.iter().map(count)).collect()
    });
    output::table(&header, rows);
    let posts = &report.notifications;
    output::line(format!(
        "{} notifications posted, {} retried, {} lost on purpose (so their messages lack a step).",
        posts.posted, posts.retried, posts.lost
    ));
    output::line("");
    output::line("Open this in a browser. It shows three days of traffic. Today an operator failed for two hours:");
    output::line(format!("  {server}"));
    output::line("Why messages failed, by reason, channel and day:");
    output::line(format!("  {server}failures"));
    output::line("The status of one message, with the reasons:");
    output::line(format!("  curl -s {server}v1/messages/order-7"));
    output::line("All failed messages, newest first:");
    output::line(format!("  curl -s '{server}v1/messages?status=failed&limit=5'"));
    Ok(())
}

/// Counts the messages by channel and status.
async fn stats(client: &Client) -> anyhow::Result<BTreeMap<String, BTreeMap<String, u64>>> {
    let mut stats: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut cursor = None;
    loop {
        let pairs = given([("limit", Some("500".to_owned())), ("cursor", cursor)]);
        let page: ListView<MessageView> =
            client.get("v1/messages", &pairs).await?.context("the server lists no messages")?;
        for message in page.items {
            let channel = message.channel.unwrap_or_else(|| "unknown".to_owned());
            *stats.entry(channel).or_default().entry(message.status).or_default() += 1;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(stats);
        }
    }
}
