//! `cargo xtask bench notify`: how many notifications a second become durable.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use temporary_postgres::Server;
use url::Url;

use super::lane::{Lane, Variant};
use super::load::Outcome;
use super::plot::{Axes, Line, Plots};
use super::program::Program;
use super::stores::Database;
use super::sustained::{self, Plan};
use super::{host, report};
use crate::database::{Scratch, block_on};

/// How many notifications a second become durable, against parsing alone and against one commit per request
///
/// Runs one server per variant on loopback: both databases as shipped, both with one commit per request, and the endpoint
/// that stores nothing. All take turns in every round; the median round counts. Then open loops measure both databases as
/// shipped: the rate that they sustain, the latency at half of the greatest rate, and how long it takes until a look-up
/// shows what was acknowledged. At the end the stored rows are counted: fewer than were acknowledged is a failure.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measured seconds of each phase, after one second of warm-up
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600), value_name = "N")]
    seconds: u64,
    /// Numbers of connections, each of which sends its next request when its last is answered
    #[arg(long, default_value = "64,256", value_delimiter = ',', value_name = "N,N")]
    connections: Vec<usize>,
    /// Turns of every variant
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99), value_name = "N")]
    rounds: u8,
    /// Seconds for which the sustained rate must hold; 0 leaves the open loops out
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=3600), value_name = "N")]
    sustained_seconds: u64,
    /// Of both databases, measure this one only
    #[arg(long, value_enum, value_name = "DATABASE")]
    only: Option<Database>,
    #[command(flatten)]
    program: Program,
    #[command(flatten)]
    plots: Plots,
    /// Put load on this notify URL instead, of a server on this machine that runs already; rows are not counted then
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// The secret to sign with, for --url
    #[arg(long, env = "RECEIPTD_BENCH_HUB_SECRET", hide_env_values = true, default_value = super::lane::HUB_SECRET,
        hide_default_value = true, value_name = "SECRET")]
    hub_secret: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(args.connections.iter().all(|&count| count > 0), "--connections must be above zero");
    if let Some(url) = &args.url {
        let mut lanes = [Lane::given(loopback(url)?, url.path(), args.hub_secret.clone())];
        block_on(measure(args, &mut lanes))?;
        return print(args, &lanes, "");
    }
    let (binary, work) = args.program.prepare()?;
    let postgres = Server::shared()?;
    block_on(async {
        let mut databases = Vec::new();
        let done = compare(args, &binary, work.path(), postgres, &mut databases).await;
        for database in databases {
            database.remove().await?;
        }
        done
    })
}

/// Starts the servers, measures, counts. The databases are the caller's to remove, whatever happens here.
async fn compare<'a>(
    args: &Args,
    binary: &Path,
    folder: &Path,
    postgres: &'a Server,
    databases: &mut Vec<Scratch<'a>>,
) -> Result<()> {
    let mut lanes = Vec::new();
    for variant in Variant::COMPARED.into_iter().filter(|variant| variant.is_wanted(args.only)) {
        let mut database = None;
        if variant.needs_postgres() {
            let scratch = Scratch::create(postgres, "receiptd_bench").await?;
            database = Some(scratch.url());
            databases.push(scratch);
        }
        lanes.push(Lane::start(variant, binary, folder, database, &[])?);
    }
    let host = host::describe(folder, &postgres.url("postgres")).await?;
    measure(args, &mut lanes).await?;
    print(args, &lanes, &host)?;
    if args.sustained_seconds > 0 {
        let (short, long) = (Duration::from_secs(args.seconds), Duration::from_secs(args.sustained_seconds));
        let plan = Plan { connections: args.connections.clone(), rounds: args.rounds, short, long };
        println!("\n{}", sustained::table(&plan, &mut lanes).await?);
    }
    for lane in &lanes {
        if let Some(rows) = lane.check_rows().await? {
            println!("{}: {} acknowledged, {rows} stored", lane.variant.name(), lane.accepted());
        }
    }
    Ok(())
}

/// All variants in turn, in every round beginning with another.
async fn measure(args: &Args, lanes: &mut [Lane]) -> Result<()> {
    let count = lanes.len();
    for round in 0..usize::from(args.rounds) {
        for &connections in &args.connections {
            for turn in 0..count {
                let lane = &mut lanes[(round + turn) % count];
                let name = lane.variant.name();
                let rate = report::thousands(lane.drive(connections, Duration::from_secs(args.seconds))?.rate());
                // Otherwise it would project while the next one is measured.
                lane.catch_up().await?;
                println!("round {} of {}, {connections} connections, {name}: {rate}/s", round + 1, args.rounds);
            }
        }
    }
    Ok(())
}

fn print(args: &Args, lanes: &[Lane], host: &str) -> Result<()> {
    let length = lanes.first().context("there is a variant")?.mean_length()?;
    println!("\n{}", report::table(lanes, &args.connections)?);
    println!(
        "One run, all variants in turn: {} round(s) of {} s each after 1 s of warm-up; the median round is shown. \
         Closed loop over loopback; distinct signed delivery notifications of about {length} bytes.",
        args.rounds, args.seconds
    );
    println!("{host}");
    let remarks: Vec<_> = lanes.iter().flat_map(|lane| report::remarks(lane, args.seconds)).collect();
    println!("{}", if remarks.is_empty() { "Every answer was 200.".to_owned() } else { remarks.join("\n") });
    let x = "connections";
    args.plots.write("notify-rate", Axes { x, y: "notifications/s" }, &lines(args, lanes, Outcome::rate)?)?;
    let p99 = |outcome: &Outcome| report::float(outcome.latencies.value_at_quantile(0.99)) / 1e3;
    args.plots.write("notify-p99", Axes { x, y: "p99, ms" }, &lines(args, lanes, p99)?)
}

/// A figure of the median round of each variant that is compared with others, but for those that commit each request.
fn lines(args: &Args, lanes: &[Lane], figure: impl Fn(&Outcome) -> f64) -> Result<Vec<Line>> {
    let shown = lanes.iter().filter(|lane| !lane.variant.is_single());
    let point = |lane: &Lane, connections| {
        let median = report::median(lane, connections)?;
        anyhow::Ok((report::float(u64::try_from(connections)?), figure(median)))
    };
    let line = |lane: &Lane| {
        let points = args.connections.iter().map(|&connections| point(lane, connections));
        Ok((lane.variant.name().to_owned(), points.collect::<Result<_>>()?))
    };
    shown.map(line).collect()
}

/// Load is for servers of one's own: none but this machine is put under it.
fn loopback(url: &Url) -> Result<SocketAddr> {
    ensure!(url.scheme() == "http", "--url must begin with http://");
    let host = url.host_str().context("--url names no host")?;
    let port = url.port_or_known_default().context("--url names no port")?;
    let address = (host.trim_matches(['[', ']']), port).to_socket_addrs()?.next().context("--url has no address")?;
    ensure!(address.ip().is_loopback(), "--url must be on this machine (127.0.0.1, localhost, [::1])");
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_goes_to_this_machine_only() -> Result<()> {
        assert!(loopback(&Url::parse("http://127.0.0.1:8080/notify")?).is_ok());
        assert!(loopback(&Url::parse("http://[::1]:8080/notify")?).is_ok());
        assert!(loopback(&Url::parse("http://192.0.2.1:8080/notify")?).is_err());
        assert!(loopback(&Url::parse("https://127.0.0.1/notify")?).is_err());
        Ok(())
    }
}
