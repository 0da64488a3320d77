//! The first pass: every fault, and rows that are there twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;

use super::{
    input::Input,
    progress,
    row::{CheckedRow, Plan},
};
use crate::{cli::output::in_words, domain::Fingerprint};

/// What the first pass found.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) rows: u64,
    pub(super) bad: u64,
    /// The first errors, as many as people read.
    pub(super) errors: Vec<RowFault>,
    /// Rows, by their line, whose id another row has with another message: the fault of the row.
    pub(super) clashes: BTreeMap<u64, String>,
    /// Rows that say the same as one before.
    pub(super) duplicates: BTreeSet<u64>,
    pub(super) channels: BTreeMap<String, u64>,
    /// The first message, as an example.
    pub(super) example: Option<Value>,
}

/// What is wrong with a row.
#[derive(Debug, Serialize)]
pub(super) struct RowFault {
    pub(super) line: u64,
    pub(super) detail: String,
}

/// How many errors are shown.
const SHOWN: usize = 20;

impl Checked {
    /// How many messages there are to send.
    pub(super) fn ready(&self) -> u64 {
        self.rows - self.bad - self.duplicates.len() as u64
    }

    fn blame(&mut self, line: u64, detail: String) {
        self.bad += 1;
        if self.errors.len() < SHOWN {
            self.errors.push(RowFault { line, detail });
        }
    }
}

/// Goes through all rows.
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
            Ok(ready) => sort_in(&mut checked, &mut seen, line, &ready),
            Err(errors) => checked.blame(line, in_words(&errors)),
        }
    }
    spinner.finish_and_clear();
    Ok(checked)
}

/// Of each id so far, by its fingerprint, the line and the fingerprint of the message.
type Seen = HashMap<Fingerprint, (u64, Fingerprint)>;

fn sort_in(checked: &mut Checked, seen: &mut Seen, line: u64, ready: &CheckedRow) {
    let id = ready.submission.correlation_id.as_str();
    let (key, said) = (Fingerprint::of_body(id.as_bytes()), ready.submission.to_json());
    let said = Fingerprint::of_body(said.to_string().as_bytes());
    match seen.get(&key) {
        Some((_, before)) if *before == said => _ = checked.duplicates.insert(line),
        Some((first, _)) => {
            let detail = format!("has the id {id:?} of the row at line {first}, but is another message");
            checked.clashes.insert(line, detail.clone());
            checked.blame(line, detail);
        }
        None => {
            seen.insert(key, (line, said));
            *checked.channels.entry(ready.submission.channel.to_string()).or_default() += 1;
            checked.example.get_or_insert_with(|| Value::Object(ready.draft.members().clone()));
        }
    }
}
