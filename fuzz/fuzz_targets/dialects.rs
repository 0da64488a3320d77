//! Files with the same bodies in every dialect of tables and of JSON, and in every encoding: the same bodies are read from all of
//! them. The first two bytes of the input select the dialect, and a record separator (U+001E) ends a body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use receiptd::maintenance::{ImportOptions, read_rows};
use serde_json::{Value, json};

/// The dialect of a table: its delimiter, its line end, and its columns.
struct Table {
    delimiter: char,
    end: &'static str,
    has_separator_line: bool,
    is_export: bool,
}

impl Table {
    fn line(&self, cells: &[&str]) -> String {
        let cells: Vec<_> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        cells.join(&self.delimiter.to_string()) + self.end
    }

    fn write(&self, bodies: &[&str]) -> String {
        let mut file =
            if self.has_separator_line { format!("sep={}{}", self.delimiter, self.end) } else { String::new() };
        if self.is_export {
            file += &self.line(&["fingerprint", "receivedAt", "source", "times", "body"]);
            file.extend(bodies.iter().map(|body| self.line(&["0", "2026-05-20T13:15:00Z", "notify", "2", body])));
        } else {
            file += &self.line(&["Trans ID", "Payload", "Datetime"]);
            file.extend(bodies.iter().map(|body| self.line(&["7", body, "now"])));
        }
        file
    }
}

/// One of ours, or of a user's nightly file, which wraps texts.
fn object(body: &str, is_export: bool) -> Value {
    if is_export {
        json!({ "fingerprint": "0", "receivedAt": "2026-05-20T13:15:00Z", "source": "import", "times": 1, "body": body })
    } else {
        json!({ "df_payload": body, "df_status": 2 })
    }
}

fn values(objects: &[Value], layout: u8, is_pretty: bool) -> String {
    let text = |value: &Value| if is_pretty { format!("{value:#}") } else { value.to_string() };
    let texts: Vec<_> = objects.iter().map(text).collect();
    match layout {
        0 => texts.join("\n"),
        1 => texts.join(",\r\n"),
        2 => texts.concat(),
        3 => format!("[\n{}\n]\n", texts.join(" ,\n")),
        4 => format!("[[{}], []]", texts.join("],[")),
        _ => texts.iter().map(|text| format!("[{text}]\n\n")).collect(),
    }
}

fn encoded(file: &str, encoding: u8) -> Vec<u8> {
    let wide = |text: String, to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect();
    match encoding {
        0 => file.as_bytes().to_vec(),
        1 => format!("\u{FEFF}{file}").into_bytes(),
        2 => wide(format!("\u{FEFF}{file}"), u16::to_le_bytes),
        3 => wide(format!("\u{FEFF}{file}"), u16::to_be_bytes),
        4 => wide(file.to_owned(), u16::to_le_bytes),
        _ => wide(file.to_owned(), u16::to_be_bytes),
    }
}

/// What happens to an empty body.
enum Blank {
    /// The row has no body.
    None,
    /// The row is stored as it is.
    Kept,
}

fuzz_target!(|input: &[u8]| {
    let [dialect, encoding, bodies @ ..] = input else { return };
    let Ok(bodies) = str::from_utf8(bodies) else { return };
    let bodies: Vec<_> = bodies.split('\u{1E}').collect();
    let has = |bit: u8| dialect >> bit & 1 == 1;
    let is_export = has(0);
    // An export puts an apostrophe before a cell that could be a formula.
    let is_table = has(1) && !(is_export && bodies.iter().any(|body| body.contains('\'')));
    let (file, blank) = if is_table {
        let delimiter = [',', ';', '\t', '|'][usize::from(dialect >> 2 & 3)];
        let end = ["\n", "\r\n"][usize::from(has(4))];
        let table = Table { delimiter, end, has_separator_line: has(5), is_export };
        (table.write(&bodies), Blank::None)
    } else {
        let objects: Vec<_> = bodies.iter().map(|body| object(body, is_export)).collect();
        let blank = if is_export { Blank::None } else { Blank::Kept };
        (values(&objects, dialect >> 3 & 7, has(2)), blank)
    };
    let mut rows = Vec::new();
    let read = read_rows(encoded(&file, encoding % 6).as_slice(), &ImportOptions::default(), |row| {
        rows.push(row);
        true
    });
    assert!(read.is_ok(), "{read:?}: {file:?}");
    assert_eq!(rows.len(), bodies.len(), "{file:?}");
    for (body, row) in bodies.into_iter().zip(rows) {
        // An export keeps every byte of a body.
        let wanted = if is_table && !is_export { body.as_bytes().trim_ascii() } else { body.as_bytes() };
        let is_blank = match blank {
            Blank::None => wanted.is_empty() || (is_export && body == r#"{"erased":true}"#),
            Blank::Kept => wanted.trim_ascii().is_empty() || body == "null",
        };
        match (&row.body, &blank) {
            (Ok(read), Blank::Kept) if is_blank => assert!(read.starts_with(b"{")),
            (Ok(read), _) => assert_eq!(read, wanted, "{file:?}"),
            (Err(why), Blank::None) => assert!(is_blank, "{why}: {file:?}"),
            (Err(why), Blank::Kept) => panic!("{why}: {file:?}"),
        }
        assert_eq!(row.origin.is_some(), is_export);
    }
});
