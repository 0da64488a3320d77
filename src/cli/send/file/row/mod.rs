//! Turns a record into a message with an id.

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

/// The columns that `--failed` adds: the reason, which is for people, and how often the row was sent with another id before.
pub(super) const ERROR: &str = "error";
pub(super) const RETRY: &str = "retry";

/// The rules by which a record becomes a message.
pub(super) struct Plan {
    /// The members of every message, unless its row sets them.
    defaults: Object,
    template: Option<Template>,
    to_column: Option<String>,
    id_column: Option<String>,
    batch: Option<String>,
    /// The API for text messages, if it is known.
    sms_api: Option<SmsApi>,
    /// The columns that are not used.
    pub(super) unused: Vec<String>,
}

/// A row and its message, or its errors.
pub(super) struct Row {
    pub(super) record: Record,
    pub(super) retry: u64,
    pub(super) message: Result<CheckedRow, Vec<FieldError>>,
}

/// A message that passed all checks that are possible here.
#[derive(Debug)]
pub(super) struct CheckedRow {
    /// The message as it is submitted.
    pub(super) draft: Draft,
    /// The parsed message.
    pub(super) submission: Submission,
}

/// A value of a row.
enum Field {
    Cell(String),
    Member(Value),
}

impl Plan {
    pub(super) fn new(args: &Args, input: &Input, sms_api: Option<SmsApi>) -> anyhow::Result<Self> {
        let template = args.file.template_text.as_deref().map(Template::parse).transpose();
        let template = template.map_err(|error| UsageError(format!("--template-text {error}")))?;
        let (to_column, id_column) = (args.file.to_column.clone(), args.file.id_column.clone());
        let mut unused = Vec::new();
        if input.format == Format::Csv {
            let known = || input.columns.join(", ");
            let flags = [("--to-column", &to_column), ("--id-column", &id_column)];
            let flags = flags.into_iter().filter_map(|(flag, name)| Some((flag, name.as_deref()?)));
            let placeholders = template.iter().flat_map(Template::names).map(|name| ("--template-text", name));
            let used: Vec<_> = flags.chain(placeholders).collect();
            for (flag, name) in &used {
                if !input.columns.iter().any(|column| column == name) {
                    bail!(UsageError(format!("{flag}: there is no column {name:?}; the columns are {}", known())));
                }
            }
            let is_unused = |name: &str| !is_member(name) && ![ERROR, RETRY].contains(&name);
            let is_unused = |name: &&String| is_unused(name) && !used.iter().any(|(_, used)| used == name);
            unused = input.columns.iter().filter(is_unused).cloned().collect();
        }
        let defaults = args.message.members()?;
        Ok(Self { defaults, template, to_column, id_column, batch: args.file.batch.clone(), sms_api, unused })
    }

    /// Reads a record, and reports all its errors.
    pub(super) fn row(&self, record: Record) -> Row {
        let (mut errors, mut fields) = (Vec::new(), BTreeMap::new());
        match read(&record) {
            Ok(read) => fields = read,
            Err(error) => errors.push(error),
        }
        fields.remove(ERROR);
        let retry = match fields.remove(RETRY).map(|field| field.text().parse()) {
            None => 0,
            Some(Ok(retry)) => retry,
            Some(Err(_)) => {
                errors.push(field_error(RETRY, "must be the number of earlier attempts"));
                0
            }
        };
        // If the record itself has errors, the message is not checked.
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
                Err(detail) => errors.push(field_error(name, &detail)),
            }
        }
        let text_of = |name: &str| fields.get(name).map(Field::text).filter(|text| !text.is_empty());
        if let Some(template) = &self.template {
            match template.fill(|name| fields.get(name).map(Field::text)) {
                Ok(text) => _ = message.insert("text".to_owned(), json!(text)),
                Err(name) => errors.push(field_error(name, "is missing; --template-text needs it")),
            }
        }
        if let Some(column) = &self.id_column {
            match text_of(column) {
                Some(id) => _ = message.insert("correlationId".to_owned(), json!(id)),
                None => errors.push(field_error(column, "is missing; --id-column needs it")),
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

    /// Derives the id of a row that has none. The same message in the same batch has the same id, even if it is written
    /// differently.
    fn id(&self, message: &Submission, retry: u64) -> String {
        let mut content = message.to_json();
        // This id is random.
        content["correlationId"].take();
        let batch = self.batch.as_deref().unwrap_or_default();
        Fingerprint::of_parts([content.to_string().as_bytes(), batch.as_bytes(), &retry.to_be_bytes()]).to_string()
    }

    /// Gives a valid message without an id the id that is derived from it.
    fn with_derived_id(
        &self,
        draft: &Draft,
        mut submission: Submission,
        retry: u64,
    ) -> Result<CheckedRow, Vec<FieldError>> {
        let id = self.id(&submission, retry);
        submission.correlation_id =
            CorrelationId::new(&id).map_err(|error| vec![field_error("correlationId", &error.to_string())])?;
        let mut members = draft.members().clone();
        members.insert("correlationId".to_owned(), json!(id));
        let draft = Draft::new(Value::Object(members)).map_err(|error| vec![error])?;
        Ok(CheckedRow { draft, submission })
    }

    fn checked(&self, message: Object, retry: u64, mut errors: Vec<FieldError>) -> Result<CheckedRow, Vec<FieldError>> {
        let has_id = message.get("correlationId").is_some_and(|id| !id.is_null());
        let checked = Draft::new(Value::Object(message)).map_err(|error| vec![error]);
        let checked = checked.and_then(|draft| check(&draft, self.sms_api).map(|submission| (draft, submission)));
        match checked {
            Ok((draft, submission)) if errors.is_empty() && has_id => return Ok(CheckedRow { draft, submission }),
            Ok((draft, submission)) if errors.is_empty() => return self.with_derived_id(&draft, submission, retry),
            Ok(_) => {}
            Err(found) => errors.extend(found),
        }
        // Errors name the columns of the file.
        for error in &mut errors {
            let column = match error.pointer.as_str() {
                "/to" => self.to_column.as_ref(),
                "/correlationId" => self.id_column.as_ref(),
                _ => None,
            };
            if let Some(column) = column {
                error.pointer = format!("/{column}");
            }
        }
        Err(errors)
    }
}

impl Field {
    /// The value as the member `name` of a message; null if it is empty.
    fn value(&self, name: &str) -> Result<Value, String> {
        match self {
            Self::Cell(text) if text.is_empty() => Ok(Value::Null),
            Self::Cell(text) => message::value(name, text),
            Self::Member(value) => Ok(value.clone()),
        }
    }

    /// The value as the text for a placeholder.
    fn text(&self) -> String {
        match self {
            Self::Cell(text) | Self::Member(Value::String(text)) => text.clone(),
            Self::Member(Value::Null) => String::new(),
            Self::Member(value) => value.to_string(),
        }
    }
}

fn field_error(name: &str, detail: &str) -> FieldError {
    FieldError { pointer: format!("/{name}"), detail: detail.to_owned() }
}

/// The values of a record, by name.
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
                Err(_) => Err(field_error(name, "is not UTF-8; save the file in that encoding")),
            };
            columns.iter().zip(cells).map(cell).collect()
        }
    }
}

#[cfg(test)]
mod tests;
