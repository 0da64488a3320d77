//! The table.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::lane::{Lane, Variant};
use super::load::Outcome;

/// One row of the table: the median round of one variant on a number of connections.
struct Row<'a> {
    connections: usize,
    variant: Variant,
    median: &'a Outcome,
    slowest: f64,
    fastest: f64,
}

/// Markdown, by connections and then in the order of the lanes.
pub(crate) fn table(lanes: &[Lane], connections: &[usize]) -> Result<String> {
    let mut rows = Vec::new();
    for &connections in connections {
        for lane in lanes {
            let of = |outcome: &&(usize, Outcome)| outcome.0 == connections;
            let outcomes = lane.outcomes.iter().filter(of).map(|(_, outcome)| outcome);
            rows.push(row(connections, lane.variant, outcomes.collect()).context("no round was run")?);
        }
    }
    let mut text = String::from(
        "| connections | variant | notifications/s | all rounds | p50 ms | p99 ms | ÷ parse only | ÷ one commit per request |\n\
         | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in &rows {
        let rate_of = |variant: Variant| {
            let found = rows.iter().find(|other| other.variant == variant && other.connections == row.connections);
            found.map(|other| other.median.rate())
        };
        writeln!(
            text,
            "| {} | {} | {} | {}–{} | {} | {} | {} | {} |",
            row.connections,
            row.variant.name(),
            thousands(row.median.rate()),
            thousands(row.slowest),
            thousands(row.fastest),
            milliseconds(row.median.latencies.value_at_quantile(0.50)),
            milliseconds(row.median.latencies.value_at_quantile(0.99)),
            ratio(row.median.rate(), rate_of(Variant::NoOp)),
            ratio(row.median.rate(), row.variant.single().and_then(rate_of)),
        )?;
    }
    Ok(text)
}

/// The greatest rate of a variant on a number of connections: that of its median round.
pub(crate) fn greatest(lane: &Lane, connections: usize) -> Result<f64> {
    Ok(median(lane, connections)?.rate())
}

/// The median round of a variant on a number of connections.
pub(crate) fn median(lane: &Lane, connections: usize) -> Result<&Outcome> {
    let of = |outcome: &&(usize, Outcome)| outcome.0 == connections;
    let outcomes = lane.outcomes.iter().filter(of).map(|(_, outcome)| outcome);
    Ok(row(connections, lane.variant, outcomes.collect()).context("no round was run")?.median)
}

fn row(connections: usize, variant: Variant, mut outcomes: Vec<&Outcome>) -> Option<Row<'_>> {
    outcomes.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
    let (slowest, fastest) = (outcomes.first()?.rate(), outcomes.last()?.rate());
    // Of an even number the slower one.
    let median = *outcomes.get((outcomes.len() - 1) / 2)?;
    Some(Row { connections, variant, median, slowest, fastest })
}

/// Answers other than 200 and phases that ran out of requests; empty if there were none.
pub(crate) fn remarks(lane: &Lane, seconds: u64) -> Vec<String> {
    let mut lines = Vec::new();
    for (connections, outcome) in &lane.outcomes {
        let at = format!("{}, {connections} connections", lane.variant.name());
        let failures = outcome.failures.iter();
        lines.extend(failures.map(|(seen, count)| format!("{at}: {count} answers were no 200 but: {seen}")));
        if outcome.elapsed.as_secs() < seconds {
            let after = outcome.elapsed.as_secs_f64();
            lines.push(format!("{at}: out of requests after {after:.1} s, of which the rate is"));
        }
    }
    lines
}

pub(crate) fn ratio(rate: f64, to: Option<f64>) -> String {
    to.map_or_else(|| "–".to_owned(), |to| format!("{:.2}", rate / to))
}

pub(crate) fn milliseconds(micros: u64) -> String {
    format!("{:.2}", float(micros) / 1e3)
}

/// For divisions.
#[expect(clippy::cast_precision_loss, reason = "bytes and notifications of a benchmark are far below 2^52")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.0}", float(bytes) / 1e6)
}

/// `12,345`.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_threes() {
        let shown = [0.4, 999.0, 1000.0, 12_345.6, 1_234_567.0].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "12,346", "1,234,567"]);
    }
}
