//! `docs/codes.md` lists what the tables of the codes contain. If the file is missing, this test writes it, and fails.

use std::{collections::BTreeMap, fs, path::Path};

use receiptd::webex::codes;

const PREFACE: &str = "# Codes in plain words

What each code of Webex Connect means for people who are not engineers. The `verdict` of a message, `receiptd status` and
`receiptd find` use these words. A sentence stands after the status, as in \"Not delivered: this number does not exist.\" A code with
several meanings has a row for each. A row under a channel has priority over the row under \"Every channel\". The class is our
interpretation: the platform lists codes and does not group them. [The status glossary](status-glossary.md) explains sides and
what \"send again\" says.
";

/// The document.
fn reference() -> String {
    let mut order = Vec::new();
    let mut tables: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (channels, code) in codes::all() {
        if !order.contains(&channels) {
            order.push(channels);
        }
        let condition = code.condition().map(|condition| format!(" (if {condition})")).unwrap_or_default();
        let side = code.advice.side.map_or("-", codes::Side::as_str);
        let cells = [
            code.code,
            &format!("{}{condition}", code.text),
            code.class.as_str(),
            code.sentence,
            side,
            code.advice.resend.as_str(),
            code.advice.text,
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|").replace('*', "\\*"));
        tables.entry(channels).or_default().push(format!("| {} |\n", cells.join(" | ")));
    }
    let mut text = PREFACE.to_owned();
    for channels in order {
        let heading = if channels == "*" { "Every channel".to_owned() } else { channels.replace(',', ", ") };
        text.extend(["\n## ", &heading, "\n\n"]);
        text.push_str("| Code | Documented text | Class | In plain words | Side | Send again | What to do |\n");
        text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
        text.extend(tables.remove(channels).unwrap_or_default());
    }
    text
}

#[test]
fn the_reference_of_the_codes_is_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/codes.md");
    let Ok(written) = fs::read_to_string(&path) else {
        fs::write(&path, reference()).unwrap();
        panic!("docs/codes.md was written; commit it");
    };
    assert!(
        written == reference(),
        "docs/codes.md differs from the tables of codes; remove it and run this test again"
    );
}
