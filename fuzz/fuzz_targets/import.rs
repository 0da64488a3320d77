//! Files of notifications that never arrived, in each layout. The numbers of the rows rise, reading stops when the caller asks for
//! it, a file is read in the same way in every encoding, and nothing in a JSON file is lost.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::{
    maintenance::{ImportOptions, Layout, Row, is_utf_8, read_rows},
    webex::{Posted, TimeZone},
};

/// All rows, and the error of the file.
fn read(file: &[u8], options: &ImportOptions) -> (Vec<Row>, Option<String>) {
    let mut rows = Vec::new();
    let read = read_rows(file, options, |row| {
        rows.push(row);
        true
    });
    (rows, read.err().map(|error| error.to_string()))
}

fn check(rows: &[Row]) {
    assert!(rows.first().is_none_or(|row| row.number > 0));
    assert!(rows.is_sorted_by(|one, next| one.number < next.number));
    for row in rows {
        match &row.body {
            Ok(body) => assert!(!body.is_empty()),
            Err(why) => assert!(!why.is_empty()),
        }
    }
}

/// The characters that are more than the layout of JSON.
fn substance(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| !b"[], \t\r\n\x0c".contains(byte)).collect()
}

fn without_marks(mut file: &[u8]) -> &[u8] {
    while let Some(rest) = file.strip_prefix(b"\xef\xbb\xbf") {
        file = rest;
    }
    file
}

/// Whether objects are taken out of others: out of wrapped ones, and out of receiptd's own exports.
fn has_names_of_ours(file: &[u8]) -> bool {
    // A name may be escaped.
    let text = String::from_utf8_lossy(file);
    ["df_payload", "fingerprint", "items", "\\u"].iter().any(|name| text.contains(name))
}

fuzz_target!(|file: &[u8]| {
    let (rows, error) = read(file, &ImportOptions::default());
    check(&rows);
    for row in &rows {
        assert!(row.body.as_ref().map_or(true, |body| !Posted::read_all(body, TimeZone::UTC).is_empty()));
    }
    let mut taken = 0;
    let first = read_rows(file, &ImportOptions::default(), |row| {
        assert_eq!(Some(&row), rows.first());
        taken += 1;
        false
    });
    assert_eq!(taken, rows.len().min(1));
    assert!(error.is_some() || first.is_ok());
    let is_utf_8 = matches!(is_utf_8(file), Ok(true));
    if is_utf_8
        && let Ok(text) = str::from_utf8(without_marks(file))
        && !text.starts_with('\0')
    {
        let to_bytes = [u16::to_le_bytes, u16::to_be_bytes][file.len() % 2];
        let wide: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(to_bytes).collect();
        assert_eq!(read(&wide, &ImportOptions::default()), (rows, error));
    }
    // A file with one value on each line is JSON too.
    for layout in [Layout::Csv, Layout::Txt, Layout::Json] {
        let (rows, error) = read(file, &ImportOptions { layout: Some(layout), ..ImportOptions::default() });
        check(&rows);
        if layout == Layout::Json && is_utf_8 && !has_names_of_ours(file) {
            let bodies: Vec<u8> = rows.iter().flat_map(|row| row.body.as_ref().expect("a body")).copied().collect();
            let (kept, given) = (substance(&bodies), substance(without_marks(file)));
            assert!(if error.is_none() { kept == given } else { given.starts_with(&kept) });
        }
    }
});
