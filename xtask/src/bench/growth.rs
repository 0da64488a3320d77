//! `cargo xtask bench growth`: the same measurements while a store grows.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use reqwest::Client;
use url::form_urlencoded::byte_serialize;

use super::body::{Pool, Story, member};
use super::client::{API_SECRET, Connection};
use super::fill::Fill;
use super::lane::{HUB_SECRET, Lane};
use super::plot::{Axes, Line, Plots};
use super::report::{float, thousands};
use super::stores::Stores;
use super::sustained;
use super::trend::{self, Step};

/// The first size of the store; each further one is ten times as large.
const FIRST: u64 = 10_000;
/// Requests that are made at a time to fill the store.
const CHUNK: u64 = 150_000;
/// Messages of each chunk that are looked up later.
const SAMPLES: usize = 20;
/// Look-ups of each kind; the median counts.
const LOOK_UPS: usize = 51;
/// An export is read for this time; then its rate is known.
const EXPORTING: Duration = Duration::from_secs(10);

/// How rate, look-ups and size change while a store grows
///
/// Fills a store with 10,000 notifications, then ten times as many, and so on. At each size it measures bytes a notification,
/// the time from start to ready, look-ups, the first page of each filter, statistics, the rate of an export, and the sustained
/// rate. Sustained rates add notifications of their own.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The notifications in the store at the end
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10_000..), value_name = "N")]
    notifications: u64,
    /// Send one notification a message instead of three
    #[arg(long)]
    one_a_message: bool,
    /// Seconds of each round in search of the sustained rate, and for which it must hold; 0 leaves the rate out
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=600), value_name = "N")]
    seconds: u64,
    /// How many requests are open at a time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=512), value_name = "N")]
    connections: u16,
    #[command(flatten)]
    stores: Stores,
    #[command(flatten)]
    plots: Plots,
}

/// What identifies a message.
struct Sample {
    id: String,
    transaction: String,
    recipient: String,
    order: String,
}

/// The path of a look-up.
type PathOf = fn(&Sample) -> String;

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut all = Vec::new();
    let host = args.stores.each(&[], async |lane| {
        let name = lane.variant.name();
        let steps = measure(args, lane).await?;
        println!("\n{name}:\n\n{}", trend::table(&steps)?);
        all.push((name, steps));
        Ok(())
    })?;
    let lines = |figure| all.iter().map(|(name, steps)| line(name, steps, figure)).collect::<Vec<_>>();
    let x = "notifications stored";
    if args.seconds > 0 {
        args.plots.write("growth-rate", Axes { x, y: "sustained notifications/s" }, &lines("sustained/s"))?;
    }
    args.plots.write("growth-look-up", Axes { x, y: "look-up of one message, ms" }, &lines("one message"))?;
    println!(
        "Look-ups, pages and statistics in milliseconds, each the median of {LOOK_UPS} requests on one connection. {} \
         notification(s) a message, ids and numbers random.\n{host}",
        if args.one_a_message { 1 } else { 3 }
    );
    Ok(())
}

/// One figure of each size.
fn line(name: &str, steps: &[Step], figure: &str) -> Line {
    let value = |step: &Step| step.figures.iter().find(|(name, _)| *name == figure).map(|(_, value)| *value);
    let points = steps.iter().filter_map(|step| Some((float(step.notifications), value(step)?)));
    (name.to_owned(), points.collect())
}

async fn measure(args: &Args, mut lane: Lane) -> Result<Vec<Step>> {
    let empty = lane.size().await?;
    let (mut samples, mut steps, mut size) = (Vec::new(), Vec::new(), FIRST);
    loop {
        let size_now = size.min(args.notifications);
        fill(args, &mut lane, size_now, &mut samples).await?;
        let notifications = lane.accepted();
        let mut figures =
            vec![("bytes a notification", float(lane.size().await?.saturating_sub(empty)) / float(notifications))];
        figures.push(("start to ready ms", milliseconds(lane.server()?.stop_and_restart()?)));
        look_ups(&lane, &samples, &mut figures).await?;
        figures.push(("exported messages/s", export(&lane).await?));
        if args.seconds > 0 {
            figures.push(("sustained/s", sustained(args, &mut lane).await?));
        }
        let shown: Vec<_> = figures.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
        println!("{}, {} stored: {}", lane.variant.name(), thousands(float(notifications)), shown.join(", "));
        steps.push(Step { notifications, figures });
        if size_now == args.notifications {
            return Ok(steps);
        }
        size *= 10;
    }
}

/// Fills the store up to `size` notifications, and waits until all are visible.
async fn fill(args: &Args, lane: &mut Lane, size: u64, samples: &mut Vec<Sample>) -> Result<()> {
    let story = if args.one_a_message { Story::Outcome } else { Story::Whole };
    while lane.accepted() < size {
        let count = (size - lane.accepted()).min(CHUNK);
        let pool = Arc::new(Pool::generate(usize::try_from(count)?, story, HUB_SECRET)?);
        let requests = usize::try_from(count)?;
        for index in (0..requests).step_by((requests / SAMPLES).max(1)) {
            samples.push(sample(&pool, index).context("a request is not as expected")?);
        }
        let fill = Arc::new(Fill::new(lane.target().clone(), pool, requests));
        let connections = usize::from(args.connections);
        let filling = thread::spawn(move || fill.run(connections));
        let filled = filling.join().map_err(|_| anyhow!("the thread of the load generator died"))??;
        lane.add_accepted(count);
        let visible = lane.catch_up().await?;
        println!(
            "{}: {} stored, the last {} in {:.1} s, visible {:.1} s later; posted again: {:?}",
            lane.variant.name(),
            thousands(float(lane.accepted())),
            thousands(float(count)),
            filled.took.as_secs_f64(),
            visible.as_secs_f64(),
            filled.repeated
        );
    }
    lane.check_rows().await?;
    Ok(())
}

fn sample(pool: &Pool, index: usize) -> Option<Sample> {
    let (_, body) = pool.get(index)?;
    let text = |name| member(body, name).map(str::to_owned);
    let (_, order) = str::from_utf8(body).ok()?.split_once(r#"\"order\":\""#)?;
    let order = order.split_once('\\')?.0.to_owned();
    Some(Sample { id: text("correlationid")?, transaction: text("transid")?, recipient: text("destination")?, order })
}

/// Look-ups by each id and filter.
async fn look_ups(lane: &Lane, samples: &[Sample], figures: &mut Vec<(&'static str, f64)>) -> Result<()> {
    let mut client = Connection::open(lane.target()).await?;
    let of_a_sample: [(&str, PathOf); 5] = [
        ("one message", |sample| format!("/v1/messages/{}", sample.id)),
        ("to", |sample| format!("/v1/messages?to={}", sample.recipient)),
        ("transactionId", |sample| format!("/v1/messages?transactionId={}", sample.transaction)),
        ("callbackData", |sample| {
            let prefix = format!("{{\"order\":\"{}*", sample.order);
            format!("/v1/messages?callbackData={}", byte_serialize(prefix.as_bytes()).collect::<String>())
        }),
        ("correlationId", |sample| format!("/v1/messages?correlationId={}*", &sample.id[..13])),
    ];
    // Those that are stored first and last, and others between.
    let every = (samples.len() / LOOK_UPS).max(1);
    for (name, path) in of_a_sample {
        let paths: Vec<_> = samples.iter().step_by(every).map(path).collect();
        figures.push((name, median(&mut client, &paths).await?));
    }
    let of_all = [
        ("no filter", "/v1/messages"),
        ("status", "/v1/messages?status=delivered"),
        ("final", "/v1/messages?final=true"),
        ("failure", "/v1/messages?failure=permanent"),
        ("channel", "/v1/messages?channel=sms"),
        ("code", "/v1/messages?code=7500"),
        ("origin", "/v1/messages?origin=observed"),
        ("overdue", "/v1/messages?overdue=true"),
        ("since", "/v1/messages?since=2026-01-01"),
        ("statistics", "/v1/stats?by=channel,status,code"),
    ];
    for (name, path) in of_all {
        figures.push((name, median(&mut client, &[path.to_owned()]).await?));
    }
    Ok(())
}

/// The median of [`LOOK_UPS`] requests in milliseconds, after a first one that does not count.
async fn median(client: &mut Connection, paths: &[String]) -> Result<f64> {
    let mut took = Vec::new();
    for path in paths.iter().cycle().take(LOOK_UPS + 1) {
        let begin = Instant::now();
        let answer = client.get(path).await.with_context(|| path.clone())?;
        took.push(begin.elapsed());
        ensure!(answer.status == 200 && !answer.is_behind, "{path}: {answer:?}");
    }
    took.remove(0);
    took.sort_unstable();
    Ok(milliseconds(*took.get(took.len() / 2).context("nothing was looked up")?))
}

/// How many messages a second an export writes, from its first byte on.
async fn export(lane: &Lane) -> Result<f64> {
    let url = lane.target().url("/v1/export?of=messages&format=ndjson");
    let mut answer = Client::new().get(url).bearer_auth(API_SECRET).send().await?.error_for_status()?;
    let (begin, mut lines) = (Instant::now(), 0_u64);
    while let Some(piece) = answer.chunk().await? {
        lines += u64::try_from(piece.split(|byte| *byte == b'\n').count() - 1)?;
        if begin.elapsed() > EXPORTING {
            break;
        }
    }
    Ok(float(lines) / begin.elapsed().as_secs_f64())
}

async fn sustained(args: &Args, lane: &mut Lane) -> Result<f64> {
    let (connections, time) = (usize::from(args.connections), Duration::from_secs(args.seconds));
    let greatest = lane.drive(connections, time)?.rate();
    lane.catch_up().await?;
    sustained::search(lane, connections, greatest, time, time).await
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
