//! From a record to a message and its id.

use std::collections::BTreeMap;

use anyhow::bail;
use serde_json::{Value, json};

use super::{
    input::{Format, Input, Original, Record},
    template::Template,
};
use crate::{
    cli::{
        output::UsageError,
        send::{Args, message},
    },
    domain::{CorrelationId, Draft, FieldError, Fingerprint, Object, Submission, is_member},
    send::check,
    webex::SmsApi,
};

/// Columns that `--failed` writes: the reason, which is for people, and how often the row was tried with other ids.
pub(super) const ERROR: &str = "error";
pub(super) const RETRY: &str = "retry";

/// How a record becomes a message.
pub(super) struct Plan {
    /// What every message has, unless its row says otherwise.
    defaults: Object,
    template: Option<Template>,
    to_column: Option<String>,
    id_column: Option<String>,
    batch: Option<String>,
    /// By which API text messages go, where that is known.
    sms_api: Option<SmsApi>,
    /// Columns that nothing is made of.
    pub(super) unused: Vec<String>,
}

/// A row, read.
pub(super) struct Row {
    pub(super) record: Record,
    pub(super) retry: u64,
    pub(super) message: Result<CheckedRow, Vec<FieldError>>,
}

/// A message that can be sent, as far as can be told here.
#[derive(Debug)]
pub(super) struct CheckedRow {
    /// What is handed in.
    pub(super) draft: Draft,
    /// What that asks for.
    pub(super) submission: Submission,
}

/// What a row holds under one name.
enum Field {
    Cell(String),
    Member(Value),
}

impl Plan {
    pub(super) fn new(args: &Args, input: &Input, sms_api: Option<SmsApi>) -> anyhow::Result<Self> {
        let template = args.file.template_text.as_deref().map(Template::parse).transpose();
        let template = template.map_err(|fault| UsageError(format!("--template-text {fault}")))?;
        let (to_column, id_column) = (args.file.to_column.clone(), args.file.id_column.clone());
        let mut unused = Vec::new();
        if input.format == Format::Csv {
            let known = || input.columns.join(", ");
            let flags = [("--to-column", &to_column), ("--id-column", &id_column)];
            let flags = flags.into_iter().filter_map(|(flag, name)| Some((flag, name.as_deref()?)));
            let places = template.iter().flat_map(Template::names).map(|name| ("--template-text", name));
            let used: Vec<_> = flags.chain(places).collect();
            for (flag, name) in &used {
                if !input.columns.iter().any(|column| column == name) {
                    bail!(UsageError(format!("{flag}: there is no column {name:?}; the columns are {}", known())));
                }
            }
            let idle = |name: &str| !is_member(name) && ![ERROR, RETRY].contains(&name);
            let idle = |name: &&String| idle(name) && !used.iter().any(|(_, used)| used == name);
            unused = input.columns.iter().filter(idle).cloned().collect();
        }
        let defaults = args.message.members()?;
        Ok(Self { defaults, template, to_column, id_column, batch: args.file.batch.clone(), sms_api, unused })
    }

    /// Reads a record, and reports all its errors.
    pub(super) fn row(&self, record: Record) -> Row {
        let (mut errors, mut fields) = (Vec::new(), BTreeMap::new());
        match read(&record) {
            Ok(read) => fields = read,
            Err(fault) => errors.push(fault),
        }
        fields.remove(ERROR);
        let retry = match fields.remove(RETRY).map(|field| field.text().parse()) {
            None => 0,
            Some(Ok(retry)) => retry,
            Some(Err(_)) => {
                errors.push(fault(RETRY, "must be the number of earlier attempts"));
                0
            }
        };
        // With a record that is not understood, nothing more can be said.
        let message = if errors.is_empty() { self.message(&fields, retry) } else { Err(errors) };
        Row { record, retry, message }
    }

    fn message(&self, fields: &BTreeMap<String, Field>, retry: u64) -> Result<CheckedRow, Vec<FieldError>> {
        let (mut message, mut errors) = (self.defaults.clone(), Vec::new());
        for (name, field) in fields {
            let name = match &self.to_column {
                Some(column) if name == column => "to",
                Some(_) if name == "to" => continue,
                _ => name,
            };
            let is_data = self.template.is_some() || matches!(field, Field::Cell(_));
            if !is_member(name) && (is_data || self.id_column.as_deref() == Some(name)) {
                continue;
            }
            match field.value(name) {
                Ok(Value::Null) => {}
                Ok(value) => _ = message.insert(name.to_owned(), value),
                Err(detail) => errors.push(fault(name, &detail)),
            }
        }
        let text_of = |name: &str| fields.get(name).map(Field::text).filter(|text| !text.is_empty());
        if let Some(template) = &self.template {
            match template.fill(|name| fields.get(name).map(Field::text)) {
                Ok(text) => _ = message.insert("text".to_owned(), json!(text)),
                Err(name) => errors.push(fault(name, "is missing; --template-text needs it")),
            }
        }
        if let Some(column) = &self.id_column {
            match text_of(column) {
                Some(id) => _ = message.insert("correlationId".to_owned(), json!(id)),
                None => errors.push(fault(column, "is missing; --id-column needs it")),
            }
        }
        if retry > 0
            && let Some(given) = message.get("correlationId").and_then(Value::as_str)
        {
            let another = json!(format!("{given}~{retry}"));
            message.insert("correlationId".to_owned(), another);
        }
        self.checked(message, retry, errors)
    }

    /// The id of a row that gives none: the same message of the same batch has the same id, in other words too.
    fn id(&self, message: &Submission, retry: u64) -> String {
        let mut said = message.to_json();
        // Drawn anew each time.
        said["correlationId"].take();
        let batch = self.batch.as_deref().unwrap_or_default();
        Fingerprint::of_parts([said.to_string().as_bytes(), batch.as_bytes(), &retry.to_be_bytes()]).to_string()
    }

    /// A good message that has no id yet, with the id that follows from it.
    fn named(&self, draft: &Draft, mut submission: Submission, retry: u64) -> Result<CheckedRow, Vec<FieldError>> {
        let id = self.id(&submission, retry);
        submission.correlation_id =
            CorrelationId::new(&id).map_err(|error| vec![fault("correlationId", &error.to_string())])?;
        let mut members = draft.members().clone();
        members.insert("correlationId".to_owned(), json!(id));
        let draft = Draft::new(Value::Object(members)).map_err(|fault| vec![fault])?;
        Ok(CheckedRow { draft, submission })
    }

    fn checked(&self, message: Object, retry: u64, mut errors: Vec<FieldError>) -> Result<CheckedRow, Vec<FieldError>> {
        let has_id = message.get("correlationId").is_some_and(|id| !id.is_null());
        let checked = Draft::new(Value::Object(message)).map_err(|fault| vec![fault]);
        let checked = checked.and_then(|draft| check(&draft, self.sms_api).map(|submission| (draft, submission)));
        match checked {
            Ok((draft, submission)) if errors.is_empty() && has_id => return Ok(CheckedRow { draft, submission }),
            Ok((draft, submission)) if errors.is_empty() => return self.named(&draft, submission, retry),
            Ok(_) => {}
            Err(found) => errors.extend(found),
        }
        // By the names that the file has.
        for fault in &mut errors {
            let column = match fault.pointer.as_str() {
                "/to" => self.to_column.as_ref(),
                "/correlationId" => self.id_column.as_ref(),
                _ => None,
            };
            if let Some(column) = column {
                fault.pointer = format!("/{column}");
            }
        }
        Err(errors)
    }
}

impl Field {
    /// As the member `name` of a message; null if there is nothing.
    fn value(&self, name: &str) -> Result<Value, String> {
        match self {
            Self::Cell(text) if text.is_empty() => Ok(Value::Null),
            Self::Cell(text) => message::value(name, text),
            Self::Member(value) => Ok(value.clone()),
        }
    }

    /// As data: what a placeholder is filled with.
    fn text(&self) -> String {
        match self {
            Self::Cell(text) | Self::Member(Value::String(text)) => text.clone(),
            Self::Member(Value::Null) => String::new(),
            Self::Member(value) => value.to_string(),
        }
    }
}

fn fault(name: &str, detail: &str) -> FieldError {
    FieldError { pointer: format!("/{name}"), detail: detail.to_owned() }
}

/// What a record holds, by name.
fn read(record: &Record) -> Result<BTreeMap<String, Field>, FieldError> {
    let whole = |detail: String| FieldError { pointer: String::new(), detail };
    match &record.original {
        Original::Members(members) => {
            Ok(members.iter().map(|(name, value)| (name.clone(), Field::Member(value.clone()))).collect())
        }
        Original::Unreadable(_, why) => Err(whole(why.clone())),
        Original::Cells(columns, cells) if cells.len() != columns.len() => {
            Err(whole(format!("has {} cells, but there are {} columns", cells.len(), columns.len())))
        }
        Original::Cells(columns, cells) => {
            let cell = |(name, cell): (&String, &[u8])| match std::str::from_utf8(cell) {
                Ok(text) => Ok((name.clone(), Field::Cell(text.to_owned()))),
                Err(_) => Err(fault(name, "is not UTF-8; save the file in that encoding")),
            };
            columns.iter().zip(cells).map(cell).collect()
        }
    }
}

#[cfg(test)]
mod tests;
