//! The rules for readers of our API description: the same schemas, in a form that other programs understand without our
//! keywords and our files.
//!
//! - A member that is null counts as absent. The check removes such members before it applies the rules; here the
//!   schemas allow null.
//! - The cases of one member, which use `if` and `then` so that errors name the right member, become alternatives.
//!   Programs can generate examples from these.
//! - `x-detail` becomes the description, and `x-maxNumber` becomes a pattern. `x-maxBytes` and `x-maxRows`, for which
//!   JSON Schema has no keyword, stay as they are.

use std::{collections::BTreeMap, fmt::Write};

use receiptd_domain::{Channel, Object};
use serde_json::{Map, Value, json};

use super::schema::{COMMON, SCHEMAS};
use crate::Api;

/// The name in [`schemas`] of the rules of `channel` by `api`.
pub fn name(api: Api, channel: &Channel) -> Option<&'static str> {
    SCHEMAS.iter().find(|(of, on, _)| *of == api && on == channel).map(|(.., (file, _))| stem(file))
}

/// All schemas by their names. A reference to a schema is `place` followed by its name.
pub fn schemas(place: &str) -> Object {
    let files = SCHEMAS.iter().map(|(.., file)| file).chain([&COMMON]);
    let documents = files.map(|(file, text)| (stem(file), serde_json::from_str(text).unwrap_or_default())).collect();
    let mut writer = Writer { place, documents, written: Map::new() };
    for (.., (file, _)) in SCHEMAS {
        writer.name(stem(file), "", Level::Message);
    }
    writer.written
}

fn stem(file: &str) -> &str {
    file.trim_end_matches(".json")
}

/// What a schema describes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// A whole message. A member that is null counts as absent.
    Message,
    /// A value within a message.
    Within,
}

struct Writer<'a> {
    place: &'a str,
    documents: BTreeMap<&'static str, Value>,
    written: Object,
}

impl Writer<'_> {
    /// Adds the schema at `pointer` of a file, unless it was added before, and returns its name.
    fn name(&mut self, file: &str, pointer: &str, level: Level) -> String {
        let name = match pointer.rsplit_once('/') {
            Some((_, definition)) => format!("{file}.{definition}"),
            None => file.to_owned(),
        };
        if !self.written.contains_key(&name) {
            let schema = self.documents.get(file).and_then(|document| document.pointer(pointer)).cloned();
            let schema = self.schema(file, &schema.unwrap_or_default(), level);
            self.written.insert(name.clone(), schema);
        }
        name
    }

    fn schema(&mut self, file: &str, schema: &Value, level: Level) -> Value {
        let (mut written, mut all) = (Map::new(), Vec::new());
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            let value = match (keyword.as_str(), value) {
                ("$schema" | "$defs", _) => continue,
                ("$ref", Value::String(target)) => {
                    let (other, pointer) = target.split_once('#').unwrap_or((target, ""));
                    let other = if other.is_empty() { file } else { stem(other) };
                    let name = self.name(other, pointer, level);
                    json!(format!("{}{name}", self.place))
                }
                ("properties", Value::Object(members)) => {
                    members.iter().map(|(name, schema)| (name.clone(), self.member(file, schema, level))).collect()
                }
                ("required", Value::Array(names)) if level == Level::Message => {
                    let given = names.iter().filter_map(Value::as_str);
                    let given: Object = given.map(|name| (name.to_owned(), not_null())).collect();
                    all.push(json!({ "properties": given }));
                    value.clone()
                }
                ("allOf", Value::Array(schemas)) => {
                    all.extend(schemas.iter().map(|schema| self.schema(file, schema, level)));
                    continue;
                }
                ("anyOf", Value::Array(schemas)) => {
                    schemas.iter().map(|schema| self.schema(file, schema, level)).collect()
                }
                ("if" | "then" | "else" | "not" | "items" | "additionalProperties", schema) if schema.is_object() => {
                    self.schema(file, schema, level)
                }
                ("x-detail", detail) => {
                    written.insert("description".to_owned(), detail.clone());
                    continue;
                }
                ("x-maxNumber", most) => {
                    written.insert("pattern".to_owned(), at_most(&most.to_string()).into());
                    continue;
                }
                _ => value.clone(),
            };
            written.insert(keyword.clone(), value);
        }
        all = alternatives(all);
        if !all.is_empty() {
            written.insert("allOf".to_owned(), all.into());
        }
        written.into()
    }

    /// A member. A member of a message may also be null.
    fn member(&mut self, file: &str, schema: &Value, level: Level) -> Value {
        let mut schema = self.schema(file, schema, Level::Within);
        match (level, &mut schema) {
            (Level::Within, _) => schema,
            (Level::Message, Value::Object(keywords)) if keywords.get("not") == Some(&json!({})) => {
                keywords.remove("not");
                keywords.insert("type".to_owned(), "null".into());
                schema
            }
            (Level::Message, _) => json!({ "anyOf": [{ "type": "null" }, schema] }),
        }
    }
}

fn not_null() -> Value {
    json!({ "not": { "type": "null" } })
}

/// The cases of one member as alternatives: each with its value, and one with any other value. Schemas that are not
/// cases are unchanged.
fn alternatives(all: Vec<Value>) -> Vec<Value> {
    let mut members: BTreeMap<String, (Vec<Value>, Vec<Value>)> = BTreeMap::new();
    let mut others = Vec::new();
    for schema in all {
        let Some((name, value, then)) = case(&schema) else {
            others.push(schema);
            continue;
        };
        let (values, schemas) = members.entry(name.clone()).or_default();
        schemas.push(json!({ "properties": { &name: { "const": value } }, "required": [&name], "allOf": [then] }));
        values.push(value);
    }
    for (name, (values, mut schemas)) in members {
        schemas.push(json!({ "properties": { name: { "not": { "enum": values } } } }));
        others.push(json!({ "anyOf": schemas }));
    }
    others
}

/// The member, the value and the consequence, if the schema is only such a case.
fn case(schema: &Value) -> Option<(String, Value, Value)> {
    let condition = schema.get("if")?.as_object()?;
    let (name, is) = condition.get("properties")?.as_object()?.iter().next()?;
    let value = is.get("const")?;
    let plain =
        json!({ "if": { "properties": { name: { "const": value } }, "required": [name] }, "then": schema["then"] });
    (*schema == plain).then(|| (name.clone(), value.clone(), schema["then"].clone()))
}

/// A pattern for numbers up to `most`, which is given in decimal digits.
fn at_most(most: &str) -> String {
    let digits = most.as_bytes();
    // Either fewer digits; or equal digits up to some position, a smaller digit there, and any digits after it; or
    // `most` itself.
    let mut pattern = format!("^0*([0-9]{{1,{}}}", digits.len() - 1);
    for (at, digit) in digits.iter().enumerate().filter(|(_, digit)| **digit > b'0') {
        let (before, below, after) = (&most[..at], char::from(digit - 1), digits.len() - at - 1);
        let _ = write!(pattern, "|{before}[0-{below}][0-9]{{{after}}}");
    }
    format!("{pattern}|{most})$")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pattern_matches_numbers_up_to_its_maximum(most in 10_u64..3_000_000, number in 0_u64..4_000_000) {
            let schema = json!({ "pattern": at_most(&most.to_string()) });
            let matches = jsonschema::is_valid(&schema, &json!(number.to_string()));
            prop_assert_eq!(matches, number <= most, "{} by {}", number, schema);
        }
    }
}
