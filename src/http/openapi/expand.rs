//! Expands the short forms in the operations, and adds what every operation has.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    conditions::Conditions,
    reference::{self, header},
};
use crate::{config::Scope, domain::Object, http::problem::Code, notify::Authentication};

/// Expands the paths of the document.
pub(super) fn paths(paths: &mut Value, conditions: &Conditions) {
    let items = paths.as_object_mut().into_iter().flatten().filter_map(|(_, item)| item.as_object_mut());
    let operations = items.flatten().filter(|(name, _)| *name != "parameters");
    for operation in operations.filter_map(|(method, operation)| Some((method, operation.as_object_mut()?))) {
        expand(operation.0, operation.1, conditions);
    }
}

fn expand(method: &str, operation: &mut Object, conditions: &Conditions) {
    let mut problems: Vec<Code> = codes(operation.remove("x-problems").as_ref());
    let scope = operation.remove("x-scope");
    let only_reads = scope.as_ref().is_some_and(|scope| scope == Scope::Read.as_str());
    let security = if let Some(scope) = scope {
        let of_any =
            [Code::Unauthorized, Code::Forbidden, Code::ForeignOrigin, Code::Misdirected, Code::TooManyRequests];
        problems.extend(of_any.into_iter().chain([Code::InvalidRequest, Code::UnsupportedMediaType]));
        problems = Code::ALL.into_iter().filter(|code| problems.contains(code)).collect();
        if conditions.is_open { json!([]) } else { json!([{ "token": [scope] }, { "session": [scope] }]) }
    } else if operation.remove("x-notify").is_some() {
        problems.push(Code::Unauthorized);
        notify(conditions.notify.as_ref())
    } else {
        json!([])
    };
    operation.insert("security".to_owned(), security);
    let Some(Value::Object(answers)) = operation.get_mut("responses") else { return };
    for answer in answers.values_mut().filter_map(Value::as_object_mut) {
        if let Some(schema) = body(answer) {
            answer.insert("content".to_owned(), json!({ "application/json": { "schema": schema } }));
        }
    }
    for (status, codes) in by_status(problems) {
        answers.insert(status.to_string(), problem(status, &codes, method == "head"));
    }
    for (status, answer) in answers {
        answer["headers"]["x-request-id"] = header("RequestId");
        if only_reads && status == "200" {
            answer["headers"]["receiptd-behind"] = header("Behind");
        }
    }
}

/// Returns the codes with these names. A test finds names that are not codes.
pub(super) fn codes(words: Option<&Value>) -> Vec<Code> {
    let words = words.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    words.filter_map(|word| Code::ALL.into_iter().find(|code| code.as_str() == word)).collect()
}

/// Returns the security of the notify URL: everything that is set. If the settings are not known, any of it or nothing.
fn notify(authentication: Option<&Authentication>) -> Value {
    let Some(asked) = authentication else {
        return json!([{}, { "notifyBearer": [] }, { "notifyBasic": [] }, { "notifySignature": [] }]);
    };
    let parts = [
        ("notifyBearer", asked.bearer.is_some()),
        ("notifyBasic", asked.basic.is_some()),
        ("notifySignature", asked.hub_secrets.is_some()),
    ];
    let asked: Object = parts.iter().filter(|(_, set)| *set).map(|(name, _)| ((*name).to_owned(), json!([]))).collect();
    if asked.is_empty() { json!([]) } else { json!([asked]) }
}

/// Returns the schema of a body from its short form.
fn body(answer: &mut Object) -> Option<Value> {
    let of = |name: Value| reference::schema(name.as_str().unwrap_or_default());
    if let Some(name) = answer.remove("x-json") {
        return Some(of(name));
    }
    let (name, has_pages) = match (answer.remove("x-list"), answer.remove("x-page")) {
        (Some(name), _) => (name, false),
        (None, Some(name)) => (name, true),
        (None, None) => return None,
    };
    let mut list = json!({
        "type": "object",
        "properties": { "items": { "type": "array", "items": of(name) } },
        "required": ["items"],
        "additionalProperties": false,
    });
    if has_pages {
        list["properties"]["nextCursor"] = of("MaybeCursor".into());
        list["required"] = json!(["items", "nextCursor"]);
    }
    Some(list)
}

fn by_status(codes: Vec<Code>) -> BTreeMap<u16, Vec<Code>> {
    let mut statuses = BTreeMap::<u16, Vec<Code>>::new();
    for code in codes {
        statuses.entry(code.status().as_u16()).or_default().push(code);
    }
    statuses
}

fn problem(status: u16, codes: &[Code], is_bare: bool) -> Value {
    let titles: Vec<_> = codes.iter().map(|code| code.title()).collect();
    let words: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let members = json!({ "status": { "const": status }, "code": { "enum": words }, "title": { "enum": titles } });
    let mut schema = reference::schema("Problem");
    schema["properties"] = members;
    let mut answer = json!({ "description": titles.join("; or: ") });
    if !is_bare {
        answer["content"] = json!({ "application/problem+json": { "schema": schema } });
    }
    for code in codes {
        match code {
            Code::Unauthorized => answer["headers"]["WWW-Authenticate"] = header("WwwAuthenticate"),
            Code::Unavailable | Code::TooManyRequests if codes.len() == 1 => {
                answer["headers"]["Retry-After"] = header("RetryAfter");
            }
            _ => {}
        }
    }
    answer
}
