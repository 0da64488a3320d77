//! Error texts for violations of a schema. They never repeat a value of the message, which may be a phone number or
//! private text.

use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use receiptd_domain::FieldError;
use serde_json::Value;

/// The errors that a schema error represents. `detail` is the text of the schema, if it has one.
pub(super) fn errors(error: &ValidationError<'_>, detail: Option<&str>) -> Vec<FieldError> {
    let at = error.instance_path().as_str();
    let detail = detail.map_or_else(|| sentence(error.kind(), error.instance()), str::to_owned);
    let field_error = |pointer| FieldError { pointer, detail: detail.clone() };
    match error.kind() {
        // These are about members of the value at which they are found.
        Kind::Required { property } => vec![field_error(below(at, property.as_str().unwrap_or_default()))],
        Kind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|name| field_error(below(at, name))).collect()
        }
        _ => vec![field_error(at.to_owned())],
    }
}

fn below(pointer: &str, member: &str) -> String {
    format!("{pointer}/{}", member.replace('~', "~0").replace('/', "~1"))
}

fn sentence(kind: &Kind, value: &Value) -> String {
    match kind {
        Kind::Required { .. } => "is required".to_owned(),
        Kind::Type { kind: TypeKind::Single(kind) } => format!("must be {}", noun(*kind)),
        Kind::Type { kind: TypeKind::Multiple(kinds) } => {
            format!("must be {}", kinds.iter().map(noun).collect::<Vec<_>>().join(" or "))
        }
        Kind::Enum { options } => match options.as_array().map(Vec::as_slice).unwrap_or_default() {
            [only] => format!("must be {}", bare(only)),
            options => format!("must be one of {}", options.iter().map(bare).collect::<Vec<_>>().join(", ")),
        },
        Kind::MinLength { limit: 1 } => "must not be empty".to_owned(),
        Kind::MaxLength { limit } => most(value.as_str().map_or(0, |text| text.chars().count()), *limit, "characters"),
        Kind::MaxItems { limit } => most(entries(value), *limit, "entries"),
        Kind::MinItems { limit: 1 } => "must have at least one entry".to_owned(),
        Kind::MinItems { limit } => {
            format!("must have at least {limit} entries")
        }
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Custom { message, .. } => message.clone(),
        _ => "does not have the documented form".to_owned(),
    }
}

fn most(has: usize, limit: u64, what: &str) -> String {
    format!("has {has} {what}; the platform accepts at most {limit}")
}

fn entries(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn noun(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "null",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    }
}
