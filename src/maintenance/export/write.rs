//! Writes rows as CSV or NDJSON.

use std::borrow::Cow;

use serde::Serializer;
use serde_json::Value;

use super::{Format, Piece, columns::Column};
use crate::{audit::AuditUnavailable, maintenance::formula::guarded, storage::StorageError};

/// The reason why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store could not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The entry of the audit log could not be stored.
    #[error(transparent)]
    AuditUnavailable(#[from] AuditUnavailable),
    /// A row could not be written as JSON.
    #[error("a row cannot be written")]
    Json(#[from] serde_json::Error),
}

/// The file that is being written.
pub(super) struct Sheet {
    format: Format,
    byte_order_mark: bool,
    has_begun: bool,
}

impl Sheet {
    pub(super) fn new(format: Format, byte_order_mark: bool) -> Self {
        Self { format, byte_order_mark, has_begun: false }
    }

    /// Writes the next rows, with the header before the first ones.
    pub(super) fn write<T>(&mut self, columns: &[Column<T>], items: &[T]) -> Result<Piece, ExportError> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let bytes = match self.format {
            Format::Csv => csv_rows(columns, items, is_first, self.byte_order_mark),
            Format::Ndjson => ndjson_rows(columns, items)?,
        };
        Ok(Piece { bytes, rows: items.len() })
    }
}

fn csv_rows<T>(columns: &[Column<T>], items: &[T], is_first: bool, byte_order_mark: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if is_first && byte_order_mark {
        bytes.extend_from_slice("\u{FEFF}".as_bytes());
    }
    if is_first {
        write_record(&mut bytes, columns.iter().map(|(name, _)| Cow::Borrowed(*name)));
    }
    for item in items {
        let values: Vec<Value> = columns.iter().map(|(_, value)| value(item)).collect();
        write_record(&mut bytes, values.iter().map(cell));
    }
    bytes
}

/// Writes a record according to RFC 4180. Cells are also quoted if a program that expects semicolons or tabs would
/// split them.
fn write_record<'a>(bytes: &mut Vec<u8>, cells: impl Iterator<Item = Cow<'a, str>>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            bytes.push(b',');
        }
        if cell.contains([',', ';', '\t', '|', '"', '\r', '\n']) || cell.trim() != cell {
            bytes.push(b'"');
            bytes.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            bytes.push(b'"');
        } else {
            bytes.extend_from_slice(cell.as_bytes());
        }
    }
    bytes.extend_from_slice(b"\r\n");
}

fn ndjson_rows<T>(columns: &[Column<T>], items: &[T]) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::new();
    for item in items {
        let mut serializer = serde_json::Serializer::new(&mut bytes);
        serializer.collect_map(columns.iter().map(|(name, value)| (*name, value(item))))?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// Formats a cell. Texts that we write are never formulas, but the callback data of others may be.
fn cell(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => guarded(text),
        value => Cow::Owned(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::maintenance::formula::unguarded;

    const COLUMNS: &[Column<(String, Option<i64>)>] =
        &[("text", |row| row.0.as_str().into()), ("n", |row| row.1.into())];

    fn written(format: Format, rows: &[(String, Option<i64>)]) -> String {
        let mut sheet = Sheet::new(format, false);
        let pieces = rows.chunks(2).map(|rows| sheet.write(COLUMNS, rows).unwrap().bytes);
        String::from_utf8(pieces.collect::<Vec<_>>().concat()).unwrap()
    }

    #[test]
    fn rows_are_written_in_either_format() {
        let rows = [("a \"b\", c".to_owned(), Some(-1)), ("=1+2".to_owned(), None), ("é\n".to_owned(), Some(3))];
        assert_eq!(
            written(Format::Csv, &[("a;b".to_owned(), None), ("a\tb".to_owned(), None), (" a".to_owned(), None)]),
            "text,n\r\n\"a;b\",\r\n\"a\tb\",\r\n\" a\",\r\n"
        );
        assert_eq!(written(Format::Csv, &rows), "text,n\r\n\"a \"\"b\"\", c\",-1\r\n'=1+2,\r\n\"é\n\",3\r\n");
        assert_eq!(
            written(Format::Ndjson, &rows),
            "{\"text\":\"a \\\"b\\\", c\",\"n\":-1}\n{\"text\":\"=1+2\",\"n\":null}\n{\"text\":\"é\\n\",\"n\":3}\n"
        );
        let mut sheet = Sheet::new(Format::Csv, true);
        assert_eq!(sheet.write(COLUMNS, &[]).unwrap().bytes, "\u{FEFF}text,n\r\n".as_bytes());
    }

    proptest! {
        #[test]
        fn every_text_reads_back(texts in proptest::collection::vec("[=+\\-@\t\r\n\"',;a＝＠ |]{0,5}", 1..6)) {
            let rows: Vec<_> = texts.iter().map(|text| (text.clone(), None)).collect();
            let csv = written(Format::Csv, &rows);
            let mut reader = csv::Reader::from_reader(csv.as_bytes());
            let cells: Vec<String> = reader.records().map(|record| unguarded(&record.unwrap()[0])).collect();
            prop_assert_eq!(cells, texts);
        }
    }
}
