//! Writes the failed rows in the format of the input, with two more columns. `error` is for people, and is ignored when the
//! file is sent again. `retry` then gives a message that has ended another id.

use std::{
    collections::BTreeMap,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::Context;
use csv::{ByteRecord, WriterBuilder};
use serde_json::json;

use super::{
    check::Checked,
    input::{Format, Input, Original, Record},
    row::{ERROR, Plan, RETRY, Row},
    submit::Failure,
};
use crate::{
    cli::{output::in_words, output_file::OutputFile},
    domain::Object,
};

/// Writes the failed rows in their order in the input, and returns their number. The file is replaced in one step, since it may
/// be the input.
pub(super) fn write(
    path: &Path,
    input: &Input,
    plan: &Plan,
    checked: &Checked,
    failures: &BTreeMap<u64, Failure>,
) -> anyhow::Result<u64> {
    let mut file = OutputFile::open(Some(path))?;
    let cannot = file.cannot();
    let mut output = Output::of(input, BufWriter::new(&mut file)).context(cannot.clone())?;
    let mut rows = 0;
    for record in input.records()? {
        let row = plan.row(record?);
        if let Some((error, retry)) = failure(&row, checked, failures) {
            output.write(row.record, &error, retry).context(cannot.clone())?;
            rows += 1;
        }
    }
    output.end().context(cannot)?;
    file.finish()?;
    Ok(rows)
}

/// Returns why a row failed and its new `retry`; `None` if it did not fail.
fn failure(row: &Row, checked: &Checked, failures: &BTreeMap<u64, Failure>) -> Option<(String, u64)> {
    let line = row.record.line;
    if let Err(errors) = &row.message {
        return Some((in_words(errors), row.retry));
    }
    if let Some(clash) = checked.clashes.get(&line) {
        return Some((clash.clone(), row.retry));
    }
    let failure = failures.get(&line)?;
    Some((failure.error.clone(), row.retry + u64::from(failure.ended)))
}

/// The output in either format.
enum Output<W: Write> {
    Table {
        table: Box<csv::Writer<W>>,
        /// For each column of the input, whether it is written again.
        kept: Vec<bool>,
    },
    Lines(W),
}

impl<W: Write> Output<W> {
    fn of(input: &Input, writer: W) -> anyhow::Result<Self> {
        if input.format == Format::Ndjson {
            return Ok(Self::Lines(writer));
        }
        let kept: Vec<_> = input.columns.iter().map(|name| ![ERROR, RETRY].contains(&name.as_str())).collect();
        let names = input.columns.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(name, _)| name.as_str());
        let mut table = Box::new(WriterBuilder::new().delimiter(input.delimiter).from_writer(writer));
        table.write_record(names.chain([ERROR, RETRY]))?;
        Ok(Self::Table { table, kept })
    }

    fn write(&mut self, record: Record, error: &str, retry: u64) -> anyhow::Result<()> {
        match (self, record.original) {
            (Self::Table { table, kept }, Original::Cells(_, cells)) => {
                // A row that is too short gets empty cells, so that the reason is in its column.
                let cell = |(at, kept): (usize, &bool)| kept.then(|| cells.get(at).unwrap_or_default());
                let mut row: ByteRecord = kept.iter().enumerate().filter_map(cell).collect();
                row.push_field(error.as_bytes());
                row.push_field(retry.to_string().as_bytes());
                Ok(table.write_byte_record(&row)?)
            }
            (Self::Lines(lines), Original::Members(mut members)) => {
                members.insert(ERROR.to_owned(), json!(error));
                members.insert(RETRY.to_owned(), json!(retry));
                line(lines, &members)
            }
            (Self::Lines(lines), Original::Unreadable(beginning, _)) => line(
                lines,
                &Object::from_iter([("unreadable".to_owned(), json!(beginning)), (ERROR.to_owned(), json!(error))]),
            ),
            // This does not happen: a file has one format.
            (Self::Table { .. }, _) | (Self::Lines(_), Original::Cells(..)) => Ok(()),
        }
    }

    fn end(self) -> anyhow::Result<()> {
        match self {
            Self::Table { mut table, .. } => Ok(table.flush()?),
            Self::Lines(mut lines) => Ok(lines.flush()?),
        }
    }
}

fn line(lines: &mut impl Write, members: &Object) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *lines, members)?;
    Ok(lines.write_all(b"\n")?)
}
