//! `cargo xtask bench burst`: very many notifications at once, and a kill in the middle.

use std::fmt::Write;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::body::{Pool, Story};
use super::fill::Fill;
use super::lane::{HUB_SECRET, Lane};
use super::report::{float, megabytes, thousands};
use super::stores::Stores;

/// How often to look whether half of the burst is acknowledged.
const POLL: Duration = Duration::from_millis(1);

/// Very many notifications as fast as they are taken, with a kill in the middle
///
/// Each connection sends its next request when its last is answered. When half of the notifications are acknowledged, the
/// server is killed (SIGKILL) and started again; what was not acknowledged is posted again. It fails unless the store then
/// contains each notification exactly once.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The notifications of the burst
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..), value_name = "N")]
    notifications: u32,
    /// How many requests are open at a time
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=512), value_name = "N")]
    connections: u16,
    #[command(flatten)]
    stores: Stores,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut rows = String::new();
    let host = args.stores.each(&[], async |lane| measure(args, lane, &mut rows).await)?;
    println!(
        "\n| variant | acknowledged/s | before the kill/s | after it/s | start after the kill ms | posted again | \
         visible after the last 200, s | visible/s | most memory MB |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{rows}\n\
         {} notifications, {} connections. The server was killed when half of them were acknowledged; the first rate \
         includes the outage. Visible/s is the rate from the first request until a look-up shows everything. Each \
         notification was stored exactly once.\n{host}",
        thousands(f64::from(args.notifications)),
        args.connections
    );
    Ok(())
}

async fn measure(args: &Args, mut lane: Lane, rows: &mut String) -> Result<()> {
    let count = usize::try_from(args.notifications)?;
    let pool = Arc::new(Pool::generate(count, Story::Whole, HUB_SECRET)?);
    let fill = Arc::new(Fill::new(lane.target().clone(), pool, count));
    let begin = Instant::now();
    let (filling, connections) = (Arc::clone(&fill), usize::from(args.connections));
    let filling = thread::spawn(move || filling.run(connections));
    while fill.acknowledged() < u64::from(args.notifications / 2) && !filling.is_finished() {
        thread::sleep(POLL);
    }
    let server = lane.server()?;
    let before = (begin.elapsed(), server.memory()?.1, fill.acknowledged());
    let started = server.kill_and_restart()?;
    let back = (begin.elapsed(), fill.acknowledged());
    let filled = filling.join().map_err(|_| anyhow!("the thread of the load generator died"))??;
    let visible = lane.catch_up().await?;
    let memory = before.1.max(lane.server()?.memory()?.1);
    lane.add_accepted(u64::from(args.notifications));
    let stored = lane.check_rows().await?;
    ensure!(stored == Some(u64::from(args.notifications)), "posted {}, stored {stored:?}", args.notifications);
    for (seen, count) in &filled.repeated {
        println!("{}: {count} attempts were not answered 200 but: {seen}", lane.variant.name());
    }
    let total = f64::from(args.notifications);
    writeln!(
        rows,
        "| {} | {} | {} | {} | {} | {} | {:.1} | {} | {} |",
        lane.variant.name(),
        thousands(total / filled.took.as_secs_f64()),
        thousands(float(before.2) / before.0.as_secs_f64()),
        thousands(float(u64::from(args.notifications) - back.1) / filled.took.saturating_sub(back.0).as_secs_f64()),
        started.as_millis(),
        fill.repeated(),
        visible.as_secs_f64(),
        thousands(total / (filled.took + visible).as_secs_f64()),
        megabytes(memory),
    )?;
    Ok(())
}
