//! `cargo xtask bench idle`: what a server uses while nothing happens.

use std::fmt::Write;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::lane::Lane;
use super::report::{float, megabytes};
use super::stores::Stores;

/// Not counted: what a start leaves to do ends in this time.
const SETTLE: Duration = Duration::from_secs(10);

/// Memory, processor time and wake-ups of a server without requests
///
/// Starts a server on an empty store of each database, waits ten seconds, and then counts.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measured seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "N")]
    seconds: u64,
    #[command(flatten)]
    stores: Stores,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut rows = String::new();
    let host = args.stores.each(&[], async |mut lane| measure(args, &mut lane, &mut rows))?;
    println!(
        "\n| variant | memory MB | processor time, ms per minute | wake-ups per second |\n| --- | ---: | ---: | ---: |\n{rows}\n\
         Without any request, for {} s. A wake-up is a thread that waited and goes on.\n{host}",
        args.seconds
    );
    Ok(())
}

fn measure(args: &Args, lane: &mut Lane, rows: &mut String) -> Result<()> {
    thread::sleep(SETTLE);
    let server = lane.server()?;
    let before = server.activity()?;
    thread::sleep(Duration::from_secs(args.seconds));
    let after = server.activity()?;
    let minutes = float(args.seconds) / 60.0;
    let busy = after.processor_time.saturating_sub(before.processor_time);
    writeln!(
        rows,
        "| {} | {} | {:.0} | {:.1} |",
        lane.variant.name(),
        megabytes(lane.server()?.memory()?.0),
        busy.as_secs_f64() * 1e3 / minutes,
        float(after.wake_ups - before.wake_ups) / (minutes * 60.0),
    )?;
    Ok(())
}
