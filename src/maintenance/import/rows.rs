//! Reads the bodies of a file, one after the other. Only one row is in memory at a time.

use std::io::{self, Read};

use csv::ByteRecord;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    ImportOptions, Layout,
    bounded::Allowance,
    encoding::{self, Text},
    exported::{self, Cells, MARKS, NO_BODIES},
    row::{ImportError, Row, too_long},
    values::{Piece, Values},
};
use crate::{maintenance::formula::unguarded, webex::unquoted};

/// Reads a file, and passes its rows to `take` until that returns `false`.
pub fn read_rows(file: impl Read, options: &ImportOptions, take: impl FnMut(Row) -> bool) -> Result<(), ImportError> {
    let text = encoding::text(file)?;
    if text.beginning.trim_ascii().is_empty() {
        // An export without rows may be empty.
        return Ok(());
    }
    match options.layout.unwrap_or_else(|| Layout::detect(&text.beginning)) {
        Layout::Csv => columns(text, b",;\t|", &options.payload_column, take),
        Layout::Txt => columns(text, b"\t", &options.payload_column, take),
        Layout::Json | Layout::Ndjson => values(text, take),
    }
}

/// The position of the body in a row.
enum Header {
    Payload(usize),
    /// The positions of these columns of an export: those of [`MARKS`], then `status`, `event` and `bodyBase64`.
    Exported([Option<usize>; 8]),
}

impl Header {
    fn of(names: &ByteRecord, payload: &str) -> Result<Option<Self>, ImportError> {
        let alike = |name: &str| names.iter().position(|header| is_alike(header, name));
        let [fingerprint, received_at, source, times, body] = MARKS.map(alike);
        let positions =
            [fingerprint, received_at, source, times, body, alike("status"), alike("event"), alike("bodyBase64")];
        if positions[..MARKS.len()].iter().all(Option::is_some) {
            return Ok(Some(Self::Exported(positions)));
        }
        if let Some(at) = alike(payload) {
            return Ok(Some(Self::Payload(at)));
        }
        match NO_BODIES.iter().find(|(marks, _)| marks.iter().all(|mark| alike(mark).is_some())) {
            Some((_, what)) => Err(ImportError::NoBodies(what)),
            None => Ok(None),
        }
    }

    fn row(&self, number: u64, record: &ByteRecord) -> Row {
        match self {
            Self::Payload(at) => {
                let body = record.get(*at).map(<[u8]>::trim_ascii).filter(|body| !body.is_empty());
                let body = body.map(<[u8]>::to_vec).ok_or_else(|| "it has no payload".to_owned());
                Row { number, body, origin: None }
            }
            Self::Exported(positions) => {
                let cell = |at: &Option<usize>| {
                    let text = String::from_utf8_lossy(record.get((*at)?)?);
                    Some(unguarded(&text)).filter(|text| !text.is_empty())
                };
                let texts: Vec<Option<String>> = positions.iter().map(cell).collect();
                let text = |at: usize| texts.get(at).and_then(Option::as_deref);
                let [received_at, source, times, body, status, event, body_base64] = [1, 2, 3, 4, 5, 6, 7].map(text);
                Cells { received_at, source, times, status, event, body, body_base64 }.read(number)
            }
        }
    }
}

fn is_alike(header: &[u8], name: &str) -> bool {
    String::from_utf8_lossy(header).trim().eq_ignore_ascii_case(name)
}

fn columns(
    mut text: Text<impl Read>,
    delimiters: &[u8],
    payload: &str,
    mut take: impl FnMut(Row) -> bool,
) -> Result<(), ImportError> {
    let separator = separator_line(&text.beginning);
    if let Some((length, _)) = separator {
        text.beginning.drain(..length);
    }
    let separator = separator.map(|(_, delimiter)| [delimiter]);
    let delimiters = separator.as_ref().map_or(delimiters, |separator| separator.as_slice());
    let (header, delimiter) = header(&text.beginning, delimiters, payload)?;
    let allowance = Allowance::new();
    let mut reader = reader(delimiter).from_reader(allowance.of(text.reader()));
    reader.byte_headers().map_err(|error| broken(error, 0))?;
    let mut record = ByteRecord::new();
    let mut number = 0;
    while reader.read_byte_record(&mut record).map_err(|error| broken(error, number + 1))? {
        number += 1;
        if !take(header.row(number, &record)) {
            break;
        }
        allowance.renew(true);
    }
    Ok(())
}

/// Returns the length and the separator of the line `sep=;`, which some spreadsheets write before the header.
fn separator_line(beginning: &[u8]) -> Option<(usize, u8)> {
    let line = beginning.split_inclusive(|byte| *byte == b'\n').next()?;
    match line.trim_ascii_end() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] => Some((line.len(), *delimiter)),
        // A tab looks like an end of the line.
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'='] if line.contains(&b'\t') => Some((line.len(), b'\t')),
        _ => None,
    }
}

/// Returns the header, and the first delimiter with which it has the expected columns.
fn header(beginning: &[u8], delimiters: &[u8], payload: &str) -> Result<(Header, u8), ImportError> {
    for delimiter in delimiters {
        let mut reader = reader(*delimiter).from_reader(beginning);
        let names = reader.byte_headers().map_err(|error| broken(error, 0))?;
        if let Some(header) = Header::of(names, payload)? {
            return Ok((header, *delimiter));
        }
    }
    Err(ImportError::NoPayload(payload.to_owned()))
}

fn reader(delimiter: u8) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(delimiter).flexible(true);
    builder
}

/// Converts an error of the CSV reader, without the content of the file.
fn broken(error: csv::Error, row: u64) -> ImportError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => too_long(row),
        csv::ErrorKind::Io(error) => ImportError::Read(error),
        _ => ImportError::Layout { row, why: "its columns cannot be separated".to_owned() },
    }
}

fn values(text: Text<impl Read>, mut take: impl FnMut(Row) -> bool) -> Result<(), ImportError> {
    let (mut values, mut last) = (Values::new(text.reader()), 0);
    while let Some(Piece { number, bytes }) = values.next()? {
        for mut row in rows_of(number, bytes)? {
            last = row.number.max(last + 1);
            row.number = last;
            if !take(row) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One user's nightly file wraps each notification like this.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    df_payload: &'a RawValue,
}

/// Returns the rows in a piece of JSON: its `df_payload`, as JSON or as a string of JSON; the rows of an export; or the
/// piece itself, also if its `df_payload` is empty.
fn rows_of(number: u64, piece: Vec<u8>) -> Result<Vec<Row>, ImportError> {
    if !piece.starts_with(b"{") {
        return Ok(vec![Row { number, body: Ok(piece), origin: None }]);
    }
    if let Some(rows) = exported::rows(number, &piece) {
        return rows;
    }
    let payload = |Wrapped { df_payload }: Wrapped<'_>| unquoted(df_payload).unwrap_or_else(|| df_payload.get().into());
    let wrapped = serde_json::from_slice(&piece).ok().map(payload);
    let wrapped = wrapped.filter(|payload| !payload.trim_ascii().is_empty() && payload != b"null");
    Ok(vec![Row { number, body: Ok(wrapped.unwrap_or(piece)), origin: None }])
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
        assert!(rows.is_sorted_by(|one, next| one.number < next.number), "{rows:?}");
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
        for nothing in ["", " \n", "\u{FEFF}\r\n", "[]", "{\"items\":[],\"nextCursor\":null}", "Payload\n"] {
            assert_eq!(rows(nothing), [], "{nothing:?}");
        }
    }

    #[test]
    fn columns_are_separated_by_any_known_delimiter() {
        for delimiter in [",", ";", "\t", "|"] {
            let file = "a{d}\"PAYLOAD\"{d}c\r\n1{d}\"{}\"{d}2\r\n".replace("{d}", delimiter);
            assert_eq!(rows(&file), [Ok("{}".to_owned())], "{file}");
            let file = format!("SEP={delimiter}\r\n{file}");
            assert_eq!(rows(&file), [Ok("{}".to_owned())], "{file}");
        }
    }

    /// A row of an export, of a notification that arrived twice.
    const EXPORTED: &str = r#"{"fingerprint":"00","receivedAt":"2026-05-20T13:15:00.000Z","source":"notify","times":2,"status":"read","body":"{}"}"#;

    #[test]
    fn a_row_of_an_export_contains_how_it_arrived() {
        let origin = |file: &str| {
            let mut origins = Vec::new();
            read_rows(file.as_bytes(), &ImportOptions::default(), |row| {
                origins.push((
                    row.body.unwrap(),
                    row.origin.map(|one| (one.occurrences, one.source.as_str(), one.was_in_quarantine)),
                ));
                true
            })
            .unwrap();
            origins
        };
        let quarantined = EXPORTED.replace("\"status\":\"read\"", "\"reason\":\"why\",\"bodyBase64\":\"/w==\"");
        let expected = [(b"{}".to_vec(), Some((2, "notify", false))), (b"\xff".to_vec(), Some((2, "notify", true)))];
        assert_eq!(origin(&format!("{EXPORTED}\n{quarantined}\n")), expected);
        assert_eq!(origin(&format!("{{\"items\":[{EXPORTED},{quarantined}],\"nextCursor\":null}}")), expected);
        let table = "times;source;receivedAt;fingerprint;body;status\n3;import;2026-05-20T13:15:00Z;00;'=1;read\n";
        assert_eq!(origin(table), [(b"=1".to_vec(), Some((3, "import", false)))]);
    }

    #[test]
    fn a_removed_body_and_an_invalid_time_are_reported_for_the_row() {
        for (change, why) in
            [(r#""body":"""#, "its body was removed"), (r#""body":"{\"erased\":true}""#, "its body was removed")]
        {
            assert!(rows(&EXPORTED.replace(r#""body":"{}""#, change))[0].as_ref().unwrap_err().contains(why));
        }
        for (from, to) in [("2026", "20"), ("notify", "mail"), (":2,", ":0,"), (":2,", ":\"x\",")] {
            let row = EXPORTED.replace(from, to);
            assert!(rows(&row)[0].as_ref().unwrap_err().contains("cannot be read"), "{row}");
        }
    }

    #[test]
    fn what_cannot_be_imported_is_refused_with_its_kind() {
        let message = r#"{"correlationId":"a","createdAt":"x","notificationCount":1}"#;
        let table = "correlationId,createdAt,notificationCount\na,x,1\n";
        for file in [message, table, &format!("[{message}]"), &format!("{{\"items\":[{message}]}}")] {
            assert!(fails(file).to_string().contains("export of messages"), "{file}");
        }
        for file in [r#"{"actor":"a","at":"x","action":"sent","count":1}"#, "at,actor,action,count\n1,2,3,4\n"] {
            assert!(fails(file).to_string().contains("export of the audit log"), "{file}");
        }
    }

    #[test]
    fn arrays_and_lines_are_read_with_and_without_their_wrapping() {
        let elements = [r#"{"df_payload":{"a":1},"df_status":"2"}"#, r#"{"df_payload":"{\"a\":2}"}"#, r#"{"a": 3}"#];
        let bodies = [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a": 3}"#].map(|body| Ok(body.to_owned()));
        assert_eq!(rows(&format!("[{}]\n", elements.join(" ,\n"))), bodies);
        assert_eq!(rows(&elements.join("\n")), bodies);
        let hollow = [r#"{"df_payload":null,"a":1}"#, r#"{"df_payload":"","a":1}"#, r#"{"df_payload":" \n","a":1}"#];
        assert_eq!(rows(&hollow.join("\n")), hollow.map(|piece| Ok(piece.to_owned())));
        assert_eq!(rows("[]"), []);
    }

    #[test]
    fn half_of_a_surrogate_pair_in_a_wrapped_text_is_preserved() {
        let file = br#"{"df_payload":"{\"callbackData\":\"order \ud83d\"}"}"#;
        let take = |row: Row| row.body.unwrap() == b"{\"callbackData\":\"order \xED\xA0\xBD\"}" || panic!("{file:?}");
        read_rows(file.as_slice(), &ImportOptions::default(), take).unwrap();
    }

    #[test]
    fn the_error_for_an_incomplete_file_names_the_row() {
        for (file, row) in [("[{},{}", 3), ("[{},{\"a\":", 2), ("[{} {}]", 2)] {
            assert!(matches!(fails(file), ImportError::Layout { row: found, .. } if found == row), "{file}");
        }
    }

    /// This holds for any length: no more of the row is in memory.
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
    fn the_reading_stops_when_no_more_rows_are_wanted() {
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
            let read = rows(&file);
            let trimmed = |text: &String| text.trim().to_owned();
            let expected = payloads.iter().map(trimmed).map(|text| {
                if text.is_empty() { Err("it has no payload".to_owned()) } else { Ok(text) }
            });
            prop_assert_eq!(read, expected.collect::<Vec<_>>());
        }
    }
}
