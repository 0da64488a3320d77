//! The first pass: finds all errors and duplicate rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;

use super::{
    input::Input,
    progress,
    row::{CheckedRow, Plan},
};
use crate::{cli::output::in_words, domain::Fingerprint};

/// The outcome of the first pass.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) rows: u64,
    pub(super) bad: u64,
    /// The first errors, up to [`SHOWN`].
    pub(super) errors: Vec<RowFault>,
    /// The errors of rows that have the id of an earlier row but another message, by line.
    pub(super) clashes: BTreeMap<u64, String>,
    /// The lines of rows with the same message as an earlier row.
    pub(super) duplicates: BTreeSet<u64>,
    pub(super) channels: BTreeMap<String, u64>,
    /// The first message, as an example.
    pub(super) example: Option<Value>,
}

/// The errors of a row.
#[derive(Debug, Serialize)]
pub(super) struct RowFault {
    pub(super) line: u64,
    pub(super) detail: String,
}

/// The maximum number of errors that are shown.
const SHOWN: usize = 20;

impl Checked {
    /// The number of messages to send.
    pub(super) fn ready(&self) -> u64 {
        self.rows - self.bad - self.duplicates.len() as u64
    }

    fn add_error(&mut self, line: u64, detail: String) {
        self.bad += 1;
        if self.errors.len() < SHOWN {
            self.errors.push(RowFault { line, detail });
        }
    }
}

/// Checks all rows.
pub(super) fn check(input: &Input, plan: &Plan) -> anyhow::Result<Checked> {
    let spinner = progress::spinner("checking");
    let mut checked = Checked::default();
    let mut seen = HashMap::new();
    for record in input.records()? {
        let row = plan.row(record?);
        let line = row.record.line;
        checked.rows += 1;
        spinner.inc(1);
        match row.message {
            Ok(ready) => add_message(&mut checked, &mut seen, line, &ready),
            Err(errors) => checked.add_error(line, in_words(&errors)),
        }
    }
    spinner.finish_and_clear();
    Ok(checked)
}

/// For each id so far, by its fingerprint: the line and the fingerprint of its message.
type Seen = HashMap<Fingerprint, (u64, Fingerprint)>;

fn add_message(checked: &mut Checked, seen: &mut Seen, line: u64, ready: &CheckedRow) {
    let id = ready.submission.correlation_id.as_str();
    let (key, content) = (Fingerprint::of_body(id.as_bytes()), ready.submission.to_json());
    let content = Fingerprint::of_body(content.to_string().as_bytes());
    match seen.get(&key) {
        Some((_, before)) if *before == content => _ = checked.duplicates.insert(line),
        Some((first, _)) => {
            let detail = format!("has the id {id:?} of the row at line {first}, but is another message");
            checked.clashes.insert(line, detail.clone());
            checked.add_error(line, detail);
        }
        None => {
            seen.insert(key, (line, content));
            *checked.channels.entry(ready.submission.channel.to_string()).or_default() += 1;
            checked.example.get_or_insert_with(|| Value::Object(ready.draft.members().clone()));
        }
    }
}
