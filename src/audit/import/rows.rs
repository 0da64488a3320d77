//! The bodies of a file, one after the other: as much of it is in memory as one row takes.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    ImportOptions, Layout,
    bounded::{Allowance, LONGEST},
};
use crate::{storage::StorageError, webex::unquoted};

/// A row of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Counted from 1.
    pub number: u64,
    /// The body, or why there is none.
    pub body: Result<Vec<u8>, String>,
}

/// Why a file could not be loaded to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not laid out as it should be.
    #[error("row {row} cannot be read: {why}")]
    Layout {
        /// After this many rows.
        row: u64,
        /// In what way.
        why: String,
    },
    /// No column has the header of the payload.
    #[error("there is no column {0:?} in the header; name the column of the notification with columns payload=HEADER")]
    NoPayload(String),
    /// It ended before its end, or could not be read.
    #[error("the file could not be read")]
    Read(#[from] io::Error),
    /// The reader stopped.
    #[error("the reader of the file stopped")]
    Broken,
    /// The store could not take it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Reads a file and gives its rows to `take`, until that wants no more.
pub fn read_rows(file: impl Read, options: &ImportOptions, take: impl FnMut(Row) -> bool) -> Result<(), ImportError> {
    let mut file = BufReader::with_capacity(1 << 16, file);
    let beginning = file.fill_buf()?;
    let layout = options.layout.unwrap_or_else(|| Layout::detect(beginning));
    if beginning.starts_with("\u{FEFF}".as_bytes()) {
        file.consume("\u{FEFF}".len());
    }
    match layout {
        Layout::Csv => columns(file, b',', &options.payload_column, take),
        Layout::Txt => columns(file, b'\t', &options.payload_column, take),
        Layout::Json => array(file, take),
        Layout::Ndjson => lines(file, take),
    }
}

fn columns(
    file: impl Read,
    delimiter: u8,
    payload: &str,
    mut take: impl FnMut(Row) -> bool,
) -> Result<(), ImportError> {
    let allowance = Allowance::new();
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(allowance.of(file));
    let alike = |header: &[u8]| String::from_utf8_lossy(header).trim().eq_ignore_ascii_case(payload);
    let at = reader.byte_headers().map_err(|error| broken(error, 0))?.iter().position(alike);
    let at = at.ok_or_else(|| ImportError::NoPayload(payload.to_owned()))?;
    let mut record = csv::ByteRecord::new();
    let mut number = 0;
    while reader.read_byte_record(&mut record).map_err(|error| broken(error, number + 1))? {
        number += 1;
        let body = record.get(at).map(<[u8]>::trim_ascii).filter(|body| !body.is_empty());
        let body = body.map(<[u8]>::to_vec).ok_or_else(|| "it has no payload".to_owned());
        if !take(Row { number, body }) {
            break;
        }
        allowance.renew(true);
    }
    Ok(())
}

/// What the CSV reader says, without the content.
fn broken(error: csv::Error, row: u64) -> ImportError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => too_long(row),
        csv::ErrorKind::Io(error) => ImportError::Read(error),
        _ => ImportError::Layout { row, why: "its columns cannot be told apart".to_owned() },
    }
}

fn too_long(row: u64) -> ImportError {
    ImportError::Layout { row, why: format!("it is longer than {LONGEST} bytes") }
}

fn lines(mut file: impl BufRead, mut take: impl FnMut(Row) -> bool) -> Result<(), ImportError> {
    let mut number = 0;
    loop {
        let mut line = Vec::new();
        if (&mut file).take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        number += 1;
        if line.len() as u64 == LONGEST {
            return Err(too_long(number));
        }
        let line = line.trim_ascii();
        if !line.is_empty() && !take(Row { number, body: Ok(payload(line)) }) {
            return Ok(());
        }
    }
}

fn array(file: impl Read, mut take: impl FnMut(Row) -> bool) -> Result<(), ImportError> {
    let (mut number, allowance) = (0, Allowance::new());
    let mut elements = serde_json::Deserializer::from_reader(allowance.of(file));
    let take = |row| {
        let more = take(row);
        allowance.renew(more);
        more
    };
    let read = elements.deserialize_seq(Elements { number: &mut number, take });
    read.and_then(|()| elements.end()).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            _ if error.io_error_kind() == Some(io::ErrorKind::FileTooLarge) => too_long(number + 1),
            serde_json::error::Category::Io => ImportError::Read(error.into()),
            category => ImportError::Layout {
                row: number + 1,
                why: format!("it is not JSON: {category:?} error at line {line}, column {column}"),
            },
        }
    })
}

/// Takes the elements of an array as they come, so that it is never whole in memory.
struct Elements<'a, T> {
    number: &'a mut u64,
    take: T,
}

impl<'de, T: FnMut(Row) -> bool> Visitor<'de> for Elements<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of notifications")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<Box<RawValue>>()? {
            *self.number += 1;
            let body = payload(element.get().as_bytes());
            if !(self.take)(Row { number: *self.number, body: Ok(body) }) {
                while elements.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(())
    }
}

/// One user's nightly file wraps each notification like this.
#[derive(Deserialize)]
struct Wrapped {
    df_payload: Box<RawValue>,
}

/// The body in an element: its `df_payload`, as JSON or as a text that holds JSON; or the element itself.
fn payload(element: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Wrapped>(element) {
        Ok(Wrapped { df_payload }) => unquoted(&df_payload).unwrap_or_else(|| df_payload.get().as_bytes().to_vec()),
        Err(_) => element.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(file: &str) -> Vec<Result<String, String>> {
        let mut rows = Vec::new();
        let take = |row: Row| {
            rows.push(row);
            true
        };
        read_rows(file.as_bytes(), &ImportOptions::default(), take).unwrap();
        assert!(rows.iter().zip(1..).all(|(row, number)| row.number == number), "{rows:?}");
        rows.into_iter().map(|row| row.body.map(|body| String::from_utf8(body).unwrap())).collect()
    }

    fn fails(file: &str) -> ImportError {
        read_rows(file.as_bytes(), &ImportOptions::default(), |_| true).unwrap_err()
    }

    #[test]
    fn columns_are_read_by_their_header() {
        let none = || Err("it has no payload".to_owned());
        let file = "\u{FEFF}Webhook ID,Payload,Datetime\r\n1,\"{\"\"a\"\":\n1}\",x\r\n2,,\n3\n";
        assert_eq!(rows(file), [Ok("{\"a\":\n1}".to_owned()), none(), none()]);
        assert_eq!(
            rows("Trans ID\t payload \n1\t\"{\"\"a\"\":1}\"\n2\t{}\n"),
            [Ok("{\"a\":1}".to_owned()), Ok("{}".to_owned())]
        );
        assert!(matches!(fails("a,b\n1,2\n"), ImportError::NoPayload(_)));
        assert!(matches!(fails(""), ImportError::NoPayload(_)));
    }

    #[test]
    fn arrays_and_lines_are_read_with_and_without_their_wrapping() {
        let elements = [r#"{"df_payload":{"a":1},"df_status":"2"}"#, r#"{"df_payload":"{\"a\":2}"}"#, r#"{"a": 3}"#];
        let bodies = [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a": 3}"#].map(|body| Ok(body.to_owned()));
        assert_eq!(rows(&format!("[{}]\n", elements.join(" ,\n"))), bodies);
        assert_eq!(rows(&elements.join("\n")), bodies);
        assert_eq!(rows("[]"), []);
    }

    #[test]
    fn half_of_a_surrogate_pair_in_a_wrapped_text_costs_no_more_than_itself() {
        let mut bodies = Vec::new();
        let file = br#"{"df_payload":"{\"callbackData\":\"order \ud83d\"}"}"#;
        let take = |row: Row| {
            bodies.push(row.body.unwrap());
            true
        };
        read_rows(file.as_slice(), &ImportOptions::default(), take).unwrap();
        assert_eq!(bodies, [b"{\"callbackData\":\"order \xED\xA0\xBD\"}"]);
    }

    #[test]
    fn a_file_that_breaks_off_says_where() {
        for (file, row) in [("[{},{}", 3), ("[{},{\"a\":", 2), ("[] x", 1), ("[{} {}]", 2)] {
            assert!(matches!(fails(file), ImportError::Layout { row: found, .. } if found == row), "{file}");
        }
    }

    /// However long it is: no more of it is in memory.
    #[test]
    fn a_row_that_is_too_long_ends_the_reading() {
        let endless = || io::repeat(b'x').take(1 << 30);
        for start in ["Payload\n{}\n\"", "Payload\n{}\n", "A\tPayload\n1\t{}\n1\t", "[{},\"", "{}\n{"] {
            let file = start.as_bytes().chain(endless());
            let failed = read_rows(file, &ImportOptions::default(), |_| true).unwrap_err();
            assert!(matches!(failed, ImportError::Layout { row: 2, .. }), "{start:?}: {failed}");
        }
    }

    #[test]
    fn whoever_wants_no_more_gets_no_more() {
        for file in ["Payload\n{}\n{}\n", "[{},{}]", "{}\n{}\n"] {
            let mut taken = 0;
            let take = |_| {
                taken += 1;
                false
            };
            read_rows(file.as_bytes(), &ImportOptions::default(), take).unwrap();
            assert_eq!(taken, 1, "{file}");
        }
    }

    proptest! {
        #[test]
        fn no_file_is_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), start in "(\\[|\\{|Payload[,\t\n])?") {
            let _ = read_rows([start.as_bytes(), &bytes].concat().as_slice(), &ImportOptions::default(), |_| true);
        }

        #[test]
        fn what_is_written_as_columns_reads_back(payloads in proptest::collection::vec("[{}\":,\t\na-c]{1,12}", 0..6)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["Trans ID", "Payload"]).unwrap();
            for payload in &payloads {
                writer.write_record(["1", payload]).unwrap();
            }
            let file = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let told = rows(&file);
            let trimmed = |text: &String| text.trim().to_owned();
            let expected = payloads.iter().map(trimmed).map(|text| {
                if text.is_empty() { Err("it has no payload".to_owned()) } else { Ok(text) }
            });
            prop_assert_eq!(told, expected.collect::<Vec<_>>());
        }
    }
}
