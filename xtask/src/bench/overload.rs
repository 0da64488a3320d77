//! `cargo xtask bench overload`: more load than the server can take.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result};

use super::lane::Lane;
use super::load::WARM_UP;
use super::pace::Rate;
use super::report::{float, megabytes, milliseconds, ratio, thousands};
use super::stores::Stores;

/// How many connections a closed loop has, which finds the greatest rate.
const CLOSED_LOOP: usize = 256;
/// A request that cannot be sent within this time, since all connections are in use, counts as not offered.
const SENT_WITHIN: Duration = Duration::from_millis(100);

/// Several times the greatest rate, in an open loop
///
/// Measures the greatest rate in a closed loop, offers a multiple of it in an open loop, and measures the closed loop again
/// when everything is visible. The open loop has more connections than requests fit into the queue of the server
/// (`notify.queue_requests`), so that the queue fills.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measured seconds of each phase, after one second of warm-up
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600), value_name = "N")]
    seconds: u64,
    /// How many times the greatest rate is offered
    #[arg(long, default_value_t = 3.0, value_name = "N")]
    times: f64,
    /// The connections of the open loop. The limit of open files must allow as many, for server and load generator each
    #[arg(long, default_value_t = 12_000, value_name = "N")]
    connections: usize,
    #[command(flatten)]
    stores: Stores,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    rlimit::increase_nofile_limit(u64::MAX).context("the limit of open files cannot be raised")?;
    let mut rows = String::new();
    let settings = [("RECEIPTD_HTTP__CONNECTIONS_PER_ADDRESS", (args.connections + CLOSED_LOOP).to_string())];
    let host = args.stores.each(&settings, async |lane| measure(args, lane, &mut rows).await)?;
    println!(
        "\n| variant | greatest/s | offered/s | accepted/s | ÷ greatest | p99 ms of 200 | 503/s | p50 ms of 503 | p99 ms of 503 \
         | memory MB before, most | visible after s | afterwards/s | ÷ greatest |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{rows}\n\
         Each phase lasted {} s after 1 s of warm-up. The greatest rate is that of a closed loop on {CLOSED_LOOP} \
         connections; {} times as much was due in an open loop on {}. Offered is what could be sent within {} ms. The \
         latency of a 200 counts from the time at which the request was due, that of a 503 from the request.\n{host}",
        args.seconds,
        args.times,
        args.connections,
        SENT_WITHIN.as_millis()
    );
    Ok(())
}

async fn measure(args: &Args, mut lane: Lane, rows: &mut String) -> Result<()> {
    let time = Duration::from_secs(args.seconds);
    let greatest = lane.drive(CLOSED_LOOP, time)?.rate();
    lane.catch_up().await?;
    let before = lane.server()?.memory()?.0;
    let rate = Rate { per_second: greatest * args.times, skipped_after: Some(SENT_WITHIN) };
    let outcome = lane.drive_at(rate, args.connections, time)?;
    let visible = lane.catch_up().await?;
    let most = lane.server()?.memory()?.1;
    let afterwards = lane.drive(CLOSED_LOOP, time)?.rate();
    for (seen, count) in outcome.failures.iter().filter(|(seen, _)| *seen != "503") {
        println!("{}: {count} answers were neither 200 nor 503 but: {seen}", lane.variant.name());
    }
    let refused = &outcome.refused;
    let offered = rate.per_second - float(outcome.skipped) / (WARM_UP + time).as_secs_f64();
    writeln!(
        rows,
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {}, {} | {:.1} | {} | {} |",
        lane.variant.name(),
        thousands(greatest),
        thousands(offered),
        thousands(outcome.rate()),
        ratio(outcome.rate(), Some(greatest)),
        milliseconds(outcome.latencies.value_at_quantile(0.99)),
        thousands(float(refused.len()) / outcome.elapsed.as_secs_f64()),
        milliseconds(refused.value_at_quantile(0.50)),
        milliseconds(refused.value_at_quantile(0.99)),
        megabytes(before),
        megabytes(most),
        visible.as_secs_f64(),
        thousands(afterwards),
        ratio(afterwards, Some(greatest)),
    )?;
    lane.check_rows().await?;
    Ok(())
}
