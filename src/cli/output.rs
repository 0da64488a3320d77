//! Everything that is printed.
#![expect(clippy::print_stderr, reason = "this is where the command line prints")]

use std::{
    io::{self, Write},
    process::ExitCode,
};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle, presets::NOTHING};
use serde::Serialize;

/// Prints a line for people.
pub(super) fn line(text: impl AsRef<str>) {
    text_out(&format!("{}\n", text.as_ref()));
}

/// Prints data for programs.
pub(super) fn json(data: &impl Serialize) -> anyhow::Result<()> {
    text_out(&format!("{}\n", serde_json::to_string_pretty(data)?));
    Ok(())
}

/// Prints data for programs, on one line.
pub(super) fn json_line(data: &impl Serialize) -> anyhow::Result<()> {
    text_out(&format!("{}\n", serde_json::to_string(data)?));
    Ok(())
}

/// Prints data as it is.
pub(super) fn bytes(data: &[u8]) {
    out(data);
}

/// Says how to get the next page of a list.
pub(super) fn more(cursor: Option<&str>) {
    if let Some(cursor) = cursor {
        line(format!("more: --cursor {cursor}"));
    }
}

/// Columns, and a line under the header.
const STYLE: TableStyle = NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));

/// Prints a table; cells are cut to the width of the terminal where there is one.
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| printable(cell)).collect::<Vec<_>>()));
    text_out(&format!("{table}\n"));
}

/// What was asked for cannot be meant: exit code 2, as for flags that do not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct WrongUse(pub(super) String);

/// Says why a command failed: the whole chain of causes, on one line.
pub(super) fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("receiptd: {error:#}");
    if error.is::<WrongUse>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// What came from outside may hold control characters, which a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

fn text_out(text: &str) {
    out(text.as_bytes());
}

/// A reader that went away (`receiptd messages | head`) is no failure.
fn out(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A value, or a dash.
pub(super) fn or_dash(text: Option<&String>) -> String {
    text.cloned().unwrap_or_else(|| "-".to_owned())
}
