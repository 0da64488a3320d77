//! Plots for docs/benchmarks.md, as SVG.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;

const SIZE: (u32, u32) = (720, 400);
/// Readable on white and on dark pages, and for those who cannot tell red from green.
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(86, 180, 233), RGBColor(128, 128, 128)];
const TEXT: RGBColor = RGBColor(128, 128, 128);

/// Where plots are written.
#[derive(clap::Args)]
pub(crate) struct Plots {
    /// Write plots of the results to this folder, as SVG
    #[arg(long = "plots", value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// One line of a plot: its name, and its points.
pub(crate) type Line = (String, Vec<(f64, f64)>);

/// What the axes show.
#[derive(Clone, Copy)]
pub(crate) struct Axes {
    pub x: &'static str,
    pub y: &'static str,
}

impl Plots {
    /// Writes a plot to `name`.svg, if a folder is given. Both axes begin at the smallest value; that of x is logarithmic.
    pub(crate) fn write(&self, name: &str, axes: Axes, lines: &[Line]) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        fs::create_dir_all(folder)?;
        let file = folder.join(format!("{name}.svg"));
        draw(&file, axes, lines).with_context(|| format!("{} cannot be drawn", file.display()))?;
        println!("{} is written", file.display());
        Ok(())
    }
}

fn draw(file: &Path, axes: Axes, lines: &[Line]) -> Result<()> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let x_from = points().map(|(x, _)| *x).reduce(f64::min).context("there are no points")?;
    let x_to = points().map(|(x, _)| *x).fold(x_from * 2.0, f64::max);
    let y_to = points().map(|(_, y)| *y).fold(0.0, f64::max) * 1.1;
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(76)
        .build_cartesian_2d((x_from..x_to).log_scale(), 0.0..y_to.max(1e-9))
        .map_err(drawn)?;
    let text = ("sans-serif", 14, &TEXT);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(TEXT.mix(0.25))
        .axis_style(TEXT)
        .label_style(text)
        .x_desc(axes.x)
        .y_desc(axes.y)
        .draw()
        .map_err(drawn)?;
    for ((name, points), colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3);
        let shown = chart.draw_series(line).map_err(drawn)?.label(name.as_str());
        shown.legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).label_font(text).draw().map_err(drawn)?;
    area.present().map_err(drawn)
}

/// The errors of plotters borrow from the plot.
fn drawn(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("{error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_names_its_axes_and_lines() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let plots = Plots { folder: Some(folder.path().join("plots")) };
        let lines =
            [("SQLite".to_owned(), vec![(1.0, 300.0), (64.0, 9_000.0)]), ("Postgres".to_owned(), vec![(1.0, 100.0)])];
        plots.write("rate", Axes { x: "connections", y: "notifications/s" }, &lines)?;
        let svg = fs::read_to_string(folder.path().join("plots/rate.svg"))?;
        for text in ["connections", "notifications/s", "SQLite", "Postgres"] {
            assert!(svg.contains(text), "{text}");
        }
        Ok(())
    }
}
