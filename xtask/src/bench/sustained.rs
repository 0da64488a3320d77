//! What is measured with open loops: the rate at which the backlog does not grow, the latency at half of the greatest rate,
//! and how long it takes until what was acknowledged is visible.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;

use super::lane::{Lane, Variant};
use super::pace::Rate;
use super::report::{greatest, milliseconds, ratio, thousands};

/// At the end of the load, a look-up may wait this long until everything is projected. A growing backlog takes longer.
const CAUGHT_UP_WITHIN: Duration = Duration::from_millis(250);
/// The search ends when the rate is known to this part of the greatest rate: 1/64.
const HALVINGS: u32 = 6;
/// After the search, the rate is lowered this often, by a twentieth, until it holds for the long time.
const ATTEMPTS: usize = 12;
/// Look-ups a second that measure when a message is visible.
const PROBES: f64 = 200.0;

/// How to measure.
pub(crate) struct Plan {
    pub connections: Vec<usize>,
    pub rounds: u8,
    /// The length of a round.
    pub short: Duration,
    /// How long the sustained rate must hold.
    pub long: Duration,
}

/// One row of the table.
struct Row {
    connections: usize,
    lane: usize,
    greatest: f64,
    parse_only: f64,
    sustained: f64,
    /// Of each round, at half of the greatest rate.
    acknowledged: Vec<Histogram<u64>>,
    /// Of each round, at half of the sustained rate.
    visible: Vec<Histogram<u64>>,
}

/// Measures both databases as shipped, after the closed loops of [`Lane::drive`]. Returns the result in Markdown.
pub(crate) async fn table(plan: &Plan, lanes: &mut [Lane]) -> Result<String> {
    let mut rows = Vec::new();
    for &connections in &plan.connections {
        let parse_only = lanes
            .iter()
            .find(|lane| lane.variant == Variant::NoOp)
            .context("the variant that stores nothing was not measured")?;
        let parse_only = greatest(parse_only, connections)?;
        for (place, lane) in lanes.iter_mut().enumerate() {
            if !matches!(lane.variant, Variant::Sqlite | Variant::Postgres) {
                continue;
            }
            let greatest = greatest(lane, connections)?;
            let sustained = search(lane, connections, greatest, plan.short, plan.long).await?;
            let (acknowledged, visible) = (Vec::new(), Vec::new());
            rows.push(Row { connections, lane: place, greatest, parse_only, sustained, acknowledged, visible });
        }
    }
    for _ in 0..plan.rounds {
        for row in &mut rows {
            round(&mut lanes[row.lane], row, plan.short).await?;
        }
    }
    markdown(plan, lanes, &mut rows)
}

/// The greatest rate at which everything is accepted in time, and at the end of which everything is visible at once. Short
/// rounds find it, and a long one proves it.
pub(crate) async fn search(
    lane: &mut Lane,
    connections: usize,
    greatest: f64,
    short: Duration,
    long: Duration,
) -> Result<f64> {
    let (mut low, mut high) = (0.0, greatest);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        *if holds(lane, connections, middle, short).await? { &mut low } else { &mut high } = middle;
    }
    ensure!(low > 0.0, "{}: the backlog grows at any rate", lane.variant.name());
    for _ in 0..ATTEMPTS {
        if holds(lane, connections, low, long).await? {
            return Ok(low);
        }
        low *= 0.95;
    }
    bail!("{}: no rate holds for {long:?}", lane.variant.name())
}

async fn holds(lane: &mut Lane, connections: usize, per_second: f64, time: Duration) -> Result<bool> {
    let outcome = lane.drive_at(Rate { per_second, skipped_after: None }, connections, time)?;
    let behind = lane.catch_up().await?;
    let in_time = outcome.failures.is_empty() && outcome.rate() >= 0.98 * per_second;
    let holds = in_time && behind <= CAUGHT_UP_WITHIN;
    println!(
        "{connections} connections, {}, {}/s offered for {} s: {}/s accepted, p99 {} ms, everything visible {} ms after \
         the end: {}",
        lane.variant.name(),
        thousands(per_second),
        time.as_secs(),
        thousands(outcome.rate()),
        milliseconds(outcome.latencies.value_at_quantile(0.99)),
        behind.as_millis(),
        if holds { "holds" } else { "too much" }
    );
    Ok(holds)
}

async fn round(lane: &mut Lane, row: &mut Row, time: Duration) -> Result<()> {
    let rate = |per_second| Rate { per_second, skipped_after: None };
    let load = lane.drive_at(rate(row.greatest / 2.0), row.connections, time)?;
    lane.catch_up().await?;
    let [beside, probes] = lane.probe(rate(row.sustained / 2.0), rate(PROBES), row.connections, time)?;
    lane.catch_up().await?;
    for (seen, count) in [&load, &beside, &probes].into_iter().flat_map(|outcome| &outcome.failures) {
        println!("{}, open loop: {count} answers were no 200 but: {seen}", lane.variant.name());
    }
    row.acknowledged.push(load.latencies);
    row.visible.push(probes.latencies);
    Ok(())
}

fn markdown(plan: &Plan, lanes: &[Lane], rows: &mut [Row]) -> Result<String> {
    let mut text = String::from(
        "| connections | variant | sustained/s | ÷ parse only | ÷ greatest | p50 ms | p99 ms | visible p50 ms | visible p99 ms |\n\
         | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows {
        let acknowledged = median(&mut row.acknowledged).context("no round was run")?;
        let visible = median(&mut row.visible).context("no round was run")?;
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.connections,
            lanes[row.lane].variant.name(),
            thousands(row.sustained),
            ratio(row.sustained, Some(row.parse_only)),
            ratio(row.sustained, Some(row.greatest)),
            milliseconds(acknowledged.value_at_quantile(0.50)),
            milliseconds(acknowledged.value_at_quantile(0.99)),
            milliseconds(visible.value_at_quantile(0.50)),
            milliseconds(visible.value_at_quantile(0.99)),
        )?;
    }
    writeln!(
        text,
        "\nOpen loops: latency counts from the time at which a request was due. The sustained rate held for {} s; within \
         {} ms of its end, look-ups showed everything. p50 and p99 are those at half of the greatest rate. Visible: at half \
         of the sustained rate, the time from a 200 to the end of a look-up that shows the message, {PROBES} look-ups a second. \
         Median of {} round(s) of {} s.",
        plan.long.as_secs(),
        CAUGHT_UP_WITHIN.as_millis(),
        plan.rounds,
        plan.short.as_secs()
    )?;
    Ok(text)
}

/// The round whose p99 is the median; of an even number the worse one.
fn median(rounds: &mut [Histogram<u64>]) -> Option<&Histogram<u64>> {
    rounds.sort_by_key(|latencies| latencies.value_at_quantile(0.99));
    rounds.get(rounds.len() / 2)
}
