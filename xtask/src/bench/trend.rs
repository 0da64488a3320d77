//! How figures change while a store grows.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::report::{float, thousands};

/// The figures of one size of the store, by name; each size has the same ones.
pub(crate) struct Step {
    /// How many notifications were stored.
    pub notifications: u64,
    pub figures: Vec<(&'static str, f64)>,
}

/// Markdown: a line for each figure, a column for each size, and how the figure changes when the store becomes ten times as
/// large.
pub(crate) fn table(steps: &[Step]) -> Result<String> {
    let (first, last) = (steps.first().context("nothing was measured")?, steps.last().context("nothing was measured")?);
    let sizes = steps.iter().map(|step| thousands(float(step.notifications)));
    let mut text =
        format!("| notifications stored | {} | last ÷ first | for each ×10 |\n", sizes.collect::<Vec<_>>().join(" | "));
    writeln!(text, "| --- |{} ---: | ---: |", " ---: |".repeat(steps.len()))?;
    let tens = (float(last.notifications) / float(first.notifications)).log10();
    for (row, (name, before)) in first.figures.iter().enumerate() {
        write!(text, "| {name} |")?;
        for step in steps {
            let (_, value) = step.figures.get(row).context("a figure is missing")?;
            write!(text, " {} |", shown(*value))?;
        }
        let (_, after) = last.figures.get(row).context("a figure is missing")?;
        let slope = slope(after / before, tens).map_or_else(|| "–".to_owned(), |slope| format!("× {slope:.2}"));
        writeln!(text, " {:.2} | {slope} |", after / before)?;
    }
    Ok(text)
}

/// By which factor a figure changes for each of `tens` steps to ten times the size, if it changes `ratio` times in all.
fn slope(ratio: f64, tens: f64) -> Option<f64> {
    (tens > 0.0).then(|| ratio.powf(1.0 / tens))
}

fn shown(value: f64) -> String {
    if value < 100.0 { format!("{value:.2}") } else { thousands(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_how_a_figure_changes_when_the_store_is_ten_times_as_large() -> Result<()> {
        let step = |notifications, value| Step { notifications, figures: vec![("look-up ms", value)] };
        let table = table(&[step(1_000, 1.0), step(10_000, 2.0), step(100_000, 4.0)])?;
        assert!(table.ends_with("| look-up ms | 1.00 | 2.00 | 4.00 | 4.00 | × 2.00 |\n"), "{table}");
        Ok(())
    }
}
