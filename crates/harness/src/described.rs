//! Checks every answer in every test against the API description.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use jsonschema::Validator;
use receiptd::http::{Conditions, describe};
use serde_json::{Value, json};

use super::Answer;

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| describe(&Conditions::default()));

/// Compiled once for each part of the description.
static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);

/// An operation of the API.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    description: &'static Value,
}

pub fn operations() -> impl Iterator<Item = Operation> {
    let items = DESCRIPTION["paths"].as_object().unwrap().iter();
    items.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters");
        methods.map(move |(method, description)| Operation { method, path, description })
    })
}

impl Operation {
    /// The scope that it requires, if any.
    pub fn scope(self) -> Option<&'static str> {
        self.description.pointer("/security/0/token/0")?.as_str()
    }

    /// The parameters of its path and its own parameters.
    pub fn parameters(self) -> Vec<&'static Value> {
        let places = [&DESCRIPTION["paths"][self.path], self.description];
        places.into_iter().filter_map(|place| place["parameters"].as_array()).flatten().map(resolved).collect()
    }

    /// The operation of a request.
    fn of(method: &str, path: &str) -> Option<Self> {
        // A slash at the end makes no difference, and two slashes count as one.
        let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
        let merged = format!("/{}", parts.join("/"));
        let path = if merged.starts_with("/notify") { merged.as_str() } else { path };
        let fits = |template: &str| {
            let (parts, given) = (template.split('/'), path.split('/'));
            template.split('/').count() == path.split('/').count()
                && parts.zip(given).all(|(part, given)| part == given || (part.starts_with('{') && !given.is_empty()))
        };
        // If two paths fit, the one without a parameter is meant.
        let fitting = operations().filter(|one| one.method.eq_ignore_ascii_case(method) && fits(one.path));
        fitting.min_by_key(|one| one.path.matches('{').count())
    }
}

/// Whether the description has this path, with any method.
fn is_a_path(path: &str) -> bool {
    ["get", "post"].iter().any(|method| Operation::of(method, path).is_some())
}

/// Fails if the description does not allow this answer to the request.
#[track_caller]
pub(crate) fn assert_described(method: &str, path: &str, answer: &Answer) {
    let Some(operation) = Operation::of(method, path) else {
        let (status, code) = if is_a_path(path) { (405, "method-not-allowed") } else { (404, "no-such-path") };
        if method != "HEAD" {
            answer.is_problem(status, code);
        }
        return;
    };
    let Operation { method, path, description } = operation;
    let described = &description["responses"][answer.status.to_string()];
    assert!(described.is_object(), "{method} {path}: {} is not described: {}", answer.status, answer.body);
    for (name, header) in described["headers"].as_object().into_iter().flatten() {
        let Some(value) = answer.header(name) else {
            assert!(resolved(header)["required"] != true, "{method} {path}: there is no {name}");
            continue;
        };
        let schema = &resolved(header)["schema"];
        let value = if schema["type"] == "integer" { json!(value.parse::<u64>().unwrap()) } else { json!(value) };
        assert_valid(&format!("{name} of {method} {path}"), schema, &value);
    }
    let Some(contents) = described["content"].as_object() else {
        assert_eq!(answer.body, "", "{method} {path}: a body that is not described");
        return;
    };
    let media = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let content = contents.get(media);
    let content = content.unwrap_or_else(|| panic!("{method} {path}: {media:?} is not described"));
    let place = format!("{method} {path} {} {media}", answer.status);
    if media.ends_with("json") && !media.ends_with("ndjson") {
        assert_valid(&place, &content["schema"], &answer.json());
    } else if content["x-itemSchema"].is_object() {
        for line in answer.body.lines() {
            assert_valid(&place, &content["x-itemSchema"], &serde_json::from_str(line).unwrap());
        }
    }
}

fn assert_valid(place: &str, schema: &Value, value: &Value) {
    let compile = || {
        let mut schema = schema.clone();
        schema["components"] = DESCRIPTION["components"].clone();
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        &*Box::leak(Box::new(options.build(&schema).unwrap()))
    };
    let validator = *VALIDATORS.lock().unwrap().entry(format!("{place} {schema}")).or_insert_with(compile);
    if let Err(error) = validator.validate(value) {
        panic!("{place}: {error} at {:?} of {value}", error.instance_path().as_str());
    }
}

fn resolved(value: &'static Value) -> &'static Value {
    let target = value["$ref"].as_str().and_then(|target| DESCRIPTION.pointer(&target[1..]));
    target.unwrap_or(value)
}
