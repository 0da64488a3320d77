//! `cargo xtask bench send`: how many messages a second reach the platform through the outbox.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::host;
use super::program::Program;
use super::report::thousands;
use super::server::Server;
use crate::database::{Scratch, sqlite_url};

/// How many messages a second reach the platform through the outbox, against the same requests without one
///
/// In each round, in turns: the HTTP library that receiptd uses posts the requests straight
/// to a simulated platform, as many at a time as receiptd does; and a server takes the same messages as one upload and
/// hands them over, with SQLite and with Postgres. A round ends when the platform has accepted every message and the
/// store says so. Nothing may be accepted twice.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Messages a round
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    messages: u32,
    /// Requests to the platform at a time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    in_flight: u16,
    /// How long the platform takes to answer, in milliseconds; may be repeated, and each is measured
    #[arg(long, default_values_t = [0, 5, 20], value_name = "MS")]
    answer_delay: Vec<u64>,
    /// Turns of every variant; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99), value_name = "N")]
    rounds: u8,
    #[command(flatten)]
    program: Program,
}

/// The requests without an outbox, or with one in either database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    Direct,
    Sqlite,
    Postgres,
}

const VARIANTS: [Variant; 3] = [Variant::Direct, Variant::Sqlite, Variant::Postgres];
const KEY: &str = "bench-service-key-0123456789abcdef";
const NOTIFY_URL: &str = "http://127.0.0.1:9/notify";
/// No round takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_mins(10);

impl Variant {
    fn name(self) -> &'static str {
        match self {
            Self::Direct => "straight to the platform",
            Self::Sqlite => "through the outbox, SQLite",
            Self::Postgres => "through the outbox, Postgres",
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let (binary, work) = args.program.prepare()?;
    // Fails only where somebody has chosen one already, which will do as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let postgres = temporary_postgres::Server::shared()?;
        let mut table = String::new();
        for delay in &args.answer_delay {
            let mut rates = VARIANTS.map(|_| Vec::new());
            for round in 0..usize::from(args.rounds) {
                for turn in 0..VARIANTS.len() {
                    let place = (round + turn) % VARIANTS.len();
                    let (variant, folder) = (VARIANTS[place], work.path().join(format!("{delay}-{round}-{place}")));
                    let rate = measure(args, variant, *delay, &binary, &folder, postgres).await?;
                    println!("{delay} ms, round {}, {}: {}/s", round + 1, variant.name(), thousands(rate));
                    rates[place].push(rate);
                }
            }
            lines(&mut table, *delay, &mut rates)?;
        }
        print(args, &table);
        println!("{}", host::describe(work.path(), &postgres.url("postgres")).await?);
        Ok(())
    })
}

/// The medians as lines of a table.
fn lines(table: &mut String, delay: u64, rates: &mut [Vec<f64>]) -> Result<()> {
    let medians: Vec<_> = rates
        .iter_mut()
        .map(|rates| {
            rates.sort_by(f64::total_cmp);
            rates[(rates.len() - 1) / 2]
        })
        .collect();
    for (variant, rate) in VARIANTS.iter().zip(&medians) {
        let ratio = rate / medians[0];
        writeln!(table, "| {delay} ms | {} | {} | {ratio:.2} |", variant.name(), thousands(*rate))?;
    }
    Ok(())
}

fn print(args: &Args, table: &str) {
    println!("\n| an answer takes | variant | messages/s | ÷ straight to the platform |\n| --- | --- | ---: | ---: |");
    println!(
        "{table}One run, all variants in turn, median of {} round(s) of {} messages, {} requests at a time. The platform \
         is the simulated one, which here sends no notifications. Every message was accepted once.",
        args.rounds, args.messages, args.in_flight
    );
}

/// One round of one variant, with servers and a store of its own; messages a second.
async fn measure(
    args: &Args,
    variant: Variant,
    answer_delay: u64,
    binary: &Path,
    folder: &Path,
    postgres: &temporary_postgres::Server,
) -> Result<f64> {
    let platform = Server::simulate(binary, &folder.join("platform"), answer_delay)?;
    let base = format!("http://{}", platform.address);
    let database = match variant {
        Variant::Postgres => Some(Scratch::create(postgres, "receiptd_bench").await?),
        _ => None,
    };
    let took = if variant == Variant::Direct {
        straight(args, &base).await?
    } else {
        let url = database.as_ref().map_or_else(|| sqlite_url(&folder.join("bench.db")), Scratch::url);
        through_the_outbox(args, binary, &folder.join("server"), &base, &url).await?
    };
    once_each(args, &base).await?;
    if let Some(database) = database {
        database.remove().await?;
    }
    Ok(f64::from(args.messages) / took.as_secs_f64())
}

fn text(n: usize) -> String {
    // The platform notifies of nothing: what that costs is the business of the other benchmark.
    format!("[sim:silent] Your parcel number {n} arrives today between two and four.")
}

/// The requests as receiptd writes them.
async fn straight(args: &Args, base: &str) -> Result<Duration> {
    let client = Client::builder().build()?;
    let url = format!("{base}/v2/messages");
    let next = Arc::new(AtomicUsize::new(0));
    let count = usize::try_from(args.messages)?;
    let begin = Instant::now();
    let mut posting = JoinSet::new();
    for _ in 0..args.in_flight {
        let (client, url, next) = (client.clone(), url.clone(), Arc::clone(&next));
        posting.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return Ok::<_, anyhow::Error>(());
                }
                let body = json!({
                    "channel": "sms", "from": "ACME", "content": {"type": "text", "text": text(n)},
                    "to": [{"msisdn": ["+447700900123"], "correlationId": format!("bench-{n}")}], "notifyUrl": NOTIFY_URL
                });
                let answer = client.post(&url).header("key", KEY).json(&body).send().await?;
                ensure!(answer.status() == 201, "the platform answered {}", answer.status());
                answer.bytes().await?;
            }
        });
    }
    while let Some(done) = posting.join_next().await {
        done??;
    }
    Ok(begin.elapsed())
}

/// One upload of all messages, until the store says that the platform has every one.
async fn through_the_outbox(args: &Args, binary: &Path, folder: &Path, base: &str, database: &str) -> Result<Duration> {
    let settings = [
        ("RECEIPTD_DATABASE_URL", database.to_owned()),
        ("RECEIPTD_PUBLIC_URL", NOTIFY_URL.to_owned()),
        ("RECEIPTD_WEBEX__BASE_URL", base.to_owned()),
        ("RECEIPTD_WEBEX__SERVICE_KEY", KEY.to_owned()),
        ("RECEIPTD_SEND__IN_FLIGHT", args.in_flight.to_string()),
    ];
    let server = Server::start(binary, folder, &settings)?;
    let (url, count) = (format!("http://{}", server.address), args.messages);
    let mut lines = String::new();
    for n in 0..usize::try_from(count)? {
        let message = json!({"channel": "sms", "from": "ACME", "to": "+447700900123", "text": text(n),
            "correlationId": format!("bench-{n}")});
        writeln!(lines, "{message}")?;
    }
    let client = Client::builder().build()?;
    let begin = Instant::now();
    let upload = client.post(format!("{url}/v1/messages")).header("content-type", "application/x-ndjson").body(lines);
    let answers = upload.send().await?.error_for_status()?.text().await?;
    ensure!(answers.lines().count() == usize::try_from(count)?, "not every message was answered");
    let dispatched = async {
        while accepted(&client, &url).await? < u64::from(count) {
            sleep(Duration::from_millis(5)).await;
        }
        while stored_as_accepted(database).await? < i64::from(count) {
            sleep(Duration::from_millis(5)).await;
        }
        Ok::<_, anyhow::Error>(())
    };
    match tokio::time::timeout(PATIENCE, dispatched).await {
        Ok(done) => done?,
        Err(_) => bail!("not every message was dispatched within {PATIENCE:?}; the log:\n{}", server.log()),
    }
    Ok(begin.elapsed())
}

/// How many messages the server has dispatched, according to its metrics.
async fn accepted(client: &Client, url: &str) -> Result<u64> {
    let metrics = client.get(format!("{url}/metrics")).send().await?.error_for_status()?.text().await?;
    let line =
        metrics.lines().find_map(|line| line.strip_prefix("receiptd_dispatch_attempts_total{outcome=\"accepted\"} "));
    Ok(line.map_or(Ok(0), str::parse)?)
}

async fn stored_as_accepted(database: &str) -> Result<i64> {
    const COUNT: &str = "SELECT count(*) FROM messages WHERE status = 'accepted'";
    Ok(if database.starts_with("postgres") {
        let mut connection = PgConnection::connect(database).await?;
        sqlx::query_scalar(COUNT).fetch_one(&mut connection).await?
    } else {
        let mut connection = SqliteConnection::connect(database).await?;
        sqlx::query_scalar(COUNT).fetch_one(&mut connection).await?
    })
}

/// The platform has accepted every message, and none of them twice.
async fn once_each(args: &Args, base: &str) -> Result<()> {
    let report: Value = Client::builder().build()?.get(format!("{base}/simulator/report")).send().await?.json().await?;
    let ids = report["acceptedByCorrelationId"].as_object().context("the simulator's report has no ids")?;
    let twice = ids.values().filter(|times| times.as_u64() != Some(1)).count();
    ensure!(twice == 0, "{twice} messages were accepted more than once");
    ensure!(ids.len() == usize::try_from(args.messages)?, "the platform has accepted {} messages only", ids.len());
    Ok(())
}
