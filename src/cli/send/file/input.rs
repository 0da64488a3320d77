//! Reads a file as records.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use csv::{ByteRecord, ByteRecordsIntoIter, ReaderBuilder};
use serde_json::Value;

use crate::{
    cli::output::UsageError,
    domain::{JsonError, Object, is_blank, read_json},
    maintenance::{as_utf_8, is_utf_8},
};

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// A table: the names of the columns, then one row per message
    Csv,
    /// One JSON object per line, as in the API
    Ndjson,
}

/// A file that is read several times.
pub(super) struct Input {
    file: File,
    pub(super) format: Format,
    pub(super) delimiter: u8,
    /// The columns of a table; empty for NDJSON.
    pub(super) columns: Arc<[String]>,
}

/// One row, as it is in the file.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// The line on which the row begins, counted from 1.
    pub(super) line: u64,
    pub(super) original: Original,
}

#[derive(Clone, Debug)]
pub(super) enum Original {
    /// The names of the columns and the cells of a row of a table.
    Cells(Arc<[String]>, ByteRecord),
    /// The members of a line of NDJSON.
    Members(Object),
    /// The beginning of a line that is not NDJSON, and the reason.
    Unreadable(String, String),
}

/// The maximum length of a line in bytes, as in the API.
const MAX_LENGTH: usize = 1024 * 1024;
/// The maximum number of bytes of an unreadable line that are shown.
const SHOWN: usize = 500;
const BOM: &str = "\u{FEFF}";

impl Input {
    /// Opens a file; `-` is standard input. An input that cannot be read twice is copied to a temporary file.
    pub(super) fn open(path: &Path, format: Option<Format>, delimiter: Option<char>) -> anyhow::Result<Self> {
        let cannot = || format!("{} cannot be read", path.display());
        let file =
            if path == Path::new("-") { spool(io::stdin().lock())? } else { File::open(path).with_context(cannot)? };
        let file = if file.metadata()?.is_file() { file } else { spool(file).with_context(cannot)? };
        let file = as_text(file).with_context(cannot)?;
        let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
        let format = match (format, extension.as_deref()) {
            (Some(format), _) => format,
            (None, Some("ndjson" | "jsonl" | "json")) => Format::Ndjson,
            (None, Some("csv" | "txt" | "tsv")) => Format::Csv,
            (None, None) if path == Path::new("-") => Format::Csv,
            (None, _) => {
                bail!(UsageError(
                    "the format cannot be recognized by the name of the file; give --format csv or --format ndjson"
                        .to_owned()
                ))
            }
        };
        let by_name = if extension.as_deref() == Some("tsv") { '\t' } else { ',' };
        let delimiter = u8::try_from(delimiter.unwrap_or(by_name))
            .map_err(|_| UsageError("--delimiter must be one ASCII character".to_owned()))?;
        let mut input = Self { file, format, delimiter, columns: Arc::new([]) };
        if format == Format::Csv {
            input.columns = input.header()?;
        }
        Ok(input)
    }

    /// Reads all rows, from the beginning.
    pub(super) fn records(&self) -> anyhow::Result<Records> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(match self.format {
            Format::Csv => {
                let counter = LineCounter { file: file.try_clone()?, at: 0, line: 1 };
                Records::Cells(self.columns.clone(), Box::new(self.table(file).into_byte_records()), counter)
            }
            Format::Ndjson => Records::Lines(BufReader::new(file), 0),
        })
    }

    fn table(&self, file: File) -> csv::Reader<File> {
        // Rows that are too long or too short are reported later, with their line.
        ReaderBuilder::new().delimiter(self.delimiter).flexible(true).from_reader(file)
    }

    fn header(&self) -> anyhow::Result<Arc<[String]>> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        let header = self.table(file).headers().context("the names of the columns cannot be read")?.clone();
        let names: Vec<_> = header.iter().map(|name| name.trim_start_matches(BOM).trim().to_owned()).collect();
        if names.first().is_some_and(|name| name.to_ascii_lowercase().starts_with("sep=")) {
            let advice = "remove the line, and give the character with --delimiter";
            bail!(UsageError(format!("the file begins with sep=, which some spreadsheets write; {advice}")));
        }
        if names.is_empty() {
            bail!(UsageError("the file is empty; a table begins with the names of its columns".to_owned()));
        }
        if let Some(at) = names.iter().position(String::is_empty) {
            bail!(UsageError(format!("column {} has no name; the first line must name the columns", at + 1)));
        }
        if let Some(name) = (1..names.len()).find(|at| names[..*at].contains(&names[*at])).map(|at| &names[at]) {
            bail!(UsageError(format!("there are two columns {name:?}")));
        }
        if let [name] = names.as_slice()
            && let Some(other) = [';', '\t', ',', '|'].into_iter().find(|other| name.contains(*other))
        {
            bail!(UsageError(format!("the file has only one column, {name:?}; did you mean --delimiter {other:?}?")));
        }
        Ok(names.into())
    }
}

/// The rows of a file.
pub(super) enum Records {
    Cells(Arc<[String]>, Box<ByteRecordsIntoIter<File>>, LineCounter),
    /// The reader, and the number of the line that was read last.
    Lines(BufReader<File>, u64),
}

/// Counts the line on which a row begins. The CSV reader's own count is too low after a row that ends with CR LF, or that is
/// followed by blank lines.
pub(super) struct LineCounter {
    file: File,
    at: u64,
    line: u64,
}

impl LineCounter {
    /// The line of the row that begins at this byte, or after the line ends that follow this byte.
    fn line_of(&mut self, byte: u64) -> io::Result<u64> {
        let mut buffer = [0; 4096];
        loop {
            let read = self.file.read_at(&mut buffer, self.at)?;
            for next in &buffer[..read] {
                if self.at >= byte && !b"\r\n".contains(next) {
                    return Ok(self.line);
                }
                self.at += 1;
                self.line += u64::from(*next == b'\n');
            }
            if read == 0 {
                return Ok(self.line);
            }
        }
    }
}

impl Iterator for Records {
    type Item = anyhow::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read()? {
                Ok(record) if record.is_blank() => {}
                record => return Some(record),
            }
        }
    }
}

impl Record {
    /// Returns whether the row is blank, like the rows that spreadsheets leave at the end of a table.
    fn is_blank(&self) -> bool {
        match &self.original {
            Original::Cells(_, cells) => cells.iter().all(|cell| std::str::from_utf8(cell).is_ok_and(is_blank)),
            Original::Members(members) => members.values().all(|value| match value {
                Value::String(text) => is_blank(text),
                value => value.is_null(),
            }),
            Original::Unreadable(line, _) => is_blank(line),
        }
    }
}

impl Records {
    fn read(&mut self) -> Option<anyhow::Result<Record>> {
        match self {
            Self::Cells(columns, cells, counter) => {
                let record = cells.next()?.map_err(anyhow::Error::from).and_then(|record| {
                    let line = counter.line_of(record.position().map_or(0, csv::Position::byte))?;
                    Ok(Record { line, original: Original::Cells(columns.clone(), record) })
                });
                Some(record)
            }
            Self::Lines(reader, number) => loop {
                let line = match next_line(reader).transpose()? {
                    Ok(line) => line,
                    Err(error) => return Some(Err(error.into())),
                };
                *number += 1;
                if !line.trim_ascii().is_empty() {
                    return Some(Ok(Record { line: *number, original: read(&line) }));
                }
            },
        }
    }
}

/// Reads the next line. A line that is too long is cut to one byte more than is allowed.
fn next_line(reader: &mut BufReader<File>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if reader.by_ref().take(MAX_LENGTH as u64 + 1).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() > MAX_LENGTH && !line.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

fn read(line: &[u8]) -> Original {
    let unreadable = |why: String| {
        let beginning = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]).trim_end().to_owned();
        Original::Unreadable(beginning, why)
    };
    if line.len() > MAX_LENGTH {
        return unreadable(format!("is longer than {MAX_LENGTH} bytes"));
    }
    // The line end is removed, since the JSON parser would count it as a line.
    let text = line.strip_prefix(BOM.as_bytes()).unwrap_or(line).trim_ascii_end();
    let advice = "each line must be one JSON object; jq -c .[] or jq -c . converts JSON in other layouts";
    match read_json(text) {
        Ok(Value::Object(members)) => Original::Members(members),
        Ok(_) => unreadable(format!("is not a JSON object; {advice}")),
        Err(error @ JsonError::Syntax { .. }) => unreadable(format!("{error}; {advice}")),
        Err(error @ JsonError::Repeated(_)) => unreadable(error.to_string()),
    }
}

/// Returns the file itself, or a copy of it in UTF-8.
fn as_text(mut file: File) -> anyhow::Result<File> {
    let mut beginning = [0; 64];
    let read = file.read_at(&mut beginning, 0)?;
    if is_utf_8(&beginning[..read])? {
        return Ok(file);
    }
    file.rewind()?;
    spool(as_utf_8(file)?)
}

fn spool(mut from: impl Read) -> anyhow::Result<File> {
    let mut file = tempfile::tempfile().context("cannot create a temporary file")?;
    io::copy(&mut from, &mut file)?;
    Ok(file)
}
