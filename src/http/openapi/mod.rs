//! The description of the API as OpenAPI 3.1: its requests and answers. `receiptd openapi` prints the same.
//!
//! What the code knows is generated from it: the names of statuses and channels, the problems, the rules of messages.
//! The rest is written by hand, and tests compare it with the code: each route is described, and each description has
//! its route; every answer in the tests of the API matches its description; and schemathesis finds no difference.
//!
//! | File | What it contains |
//! | --- | --- |
//! | `document.json` | what several resources share: credentials, parameters, headers, schemas |
//! | `../routes/*.json` | each resource: its operations, and what only it uses |
//! | `message` | a message to send, from the platform's rules |
//! | `examples` | adds the examples to the description |
//! | `expand` | expands the short forms in the operations |
//! | `conditions` | the settings that the description depends on |
//! | `examples.json` | a request and an answer of each operation, for both forms |
//! | `page/` | the page for people |
//!
//! To describe an operation, add it to the JSON file beside its handler. Short forms: `x-scope` is the scope that it
//! requires, `x-notify` means that it requires what the notify URL requires, and `x-problems` are the codes of
//! `problem`. In an answer, `x-json`, `x-list` and `x-page` name the schema of the body, or of its items.

mod conditions;
mod examples;
mod expand;
mod message;
mod page;
mod reference;

use serde_json::{Value, json};

pub use self::conditions::Conditions;
use self::reference::SCHEMAS;
use crate::{
    domain::{AuditAction, Cursor, Dimension, Failure, Object, Origin, PageLimit, Status},
    http::{routes::DESCRIPTIONS, state::Published},
    maintenance::Subject,
    webex::{
        SmsApi,
        codes::{Class, Resend, Side},
        rules,
    },
};

/// The examples, by the id of their operation: the path, the request, and the answer.
const EXAMPLES: &str = include_str!("examples.json");

/// Returns the description.
pub fn describe(conditions: &Conditions) -> Value {
    let mut document = assembled();
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    expand::paths(&mut document["paths"], conditions);
    examples::add(&mut document["paths"], &read(EXAMPLES));
    document["components"]["parameters"]["limit"]["schema"]["maximum"] = PageLimit::MAX.into();
    if let Value::Object(schemas) = &mut document["components"]["schemas"] {
        complete(schemas, conditions.sms_api);
    }
    document
}

/// Returns everything that is written by hand: the shared part, and the part of each resource.
fn assembled() -> Value {
    let mut document = read(include_str!("document.json"));
    for part in DESCRIPTIONS {
        merge(&mut document, read(part));
    }
    document
}

/// This does not fail: the files are part of the program, and a test reads them.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// Adds `part` to `whole`. Objects are merged.
fn merge(whole: &mut Value, part: Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, member) in part {
                merge(whole.entry(name).or_insert(Value::Null), member);
            }
        }
        (whole, part) => *whole = part,
    }
}

/// Adds to the schemas what the code knows.
fn complete(schemas: &mut Object, sms_api: SmsApi) {
    for (name, rule) in rules::schemas(SCHEMAS) {
        schemas.entry(name).or_insert(rule);
    }
    let words = [
        ("Status", Status::all().map(Status::as_str).collect::<Vec<_>>()),
        ("Failure", Failure::ALL.map(Failure::as_str).to_vec()),
        ("Origin", Origin::ALL.map(Origin::as_str).to_vec()),
        ("AuditAction", AuditAction::ALL.map(AuditAction::as_str).to_vec()),
        ("Dimension", Dimension::ALL.map(Dimension::as_str).to_vec()),
        ("Subject", Subject::ALL.map(Subject::as_str).to_vec()),
        ("Side", Side::ALL.map(Side::as_str).to_vec()),
        ("Resend", Resend::ALL.map(Resend::as_str).to_vec()),
        ("CodeClass", Class::ALL.map(Class::as_str).to_vec()),
    ];
    for (name, words) in words {
        schemas.entry(name).or_insert_with(|| json!({ "type": "string" }))["enum"] = words.into();
    }
    schemas["Cursor"]["pattern"] = Cursor::PATTERN.into();
    message::complete(&mut schemas["MessageToSend"], sms_api);
}

/// Returns the forms in which a server publishes the description.
pub(crate) fn publish(conditions: &Conditions) -> Published {
    let description = describe(conditions);
    let page = page::render(&description, &read(EXAMPLES)).into_string();
    Published { json: description.to_string().into(), page: page.into() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::Map;

    use super::*;
    use crate::{
        domain::{Draft, ListRequest, PAGING},
        http::routes::endpoints,
        notify::{ActiveSecrets, Authentication},
        secret::ReloadableSecret,
        send,
    };

    fn description() -> Value {
        describe(&Conditions::default())
    }

    /// Returns a validator for the schema of this name, with everything that it refers to.
    fn validator(description: &Value, name: &str) -> jsonschema::Validator {
        let schema = json!({ "$ref": format!("{SCHEMAS}{name}"), "components": description["components"] });
        jsonschema::draft202012::options().build(&schema).unwrap()
    }

    #[test]
    fn every_route_is_described_and_everything_described_has_a_route() {
        let description = description();
        let described = description["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().filter(|name| *name != "parameters");
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        let routes = endpoints();
        let answered = routes.iter().flat_map(|endpoint| {
            // A slash at the end makes no difference.
            let path = endpoint.path.trim_end_matches('/');
            endpoint.routes.iter().map(move |(method, _)| format!("{method} {path}"))
        });
        assert_eq!(described.collect::<BTreeSet<_>>(), answered.collect::<BTreeSet<_>>());
    }

    /// Collects every value with this key, at any depth.
    fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    if name == key {
                        found.push(member);
                    }
                    all(member, key, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
            _ => {}
        }
    }

    #[test]
    fn everything_that_is_referred_to_is_there_and_used() {
        let description = description();
        let mut references = Vec::new();
        all(&description, "$ref", &mut references);
        let targets: BTreeSet<_> = references.iter().filter_map(|target| target.as_str()).collect();
        assert!(targets.len() > 100, "{}", targets.len());
        for target in &targets {
            assert!(description.pointer(&target[1..]).is_some(), "{target}");
        }
        // Rules for text messages with an API other than the configured one are not used.
        for kind in ["schemas", "parameters", "headers", "requestBodies", "links"] {
            for name in description["components"][kind].as_object().unwrap().keys() {
                let is_of_another_api = ["sms-v1", "sms-api-v1"].iter().any(|api| name.starts_with(api));
                let target = format!("#/components/{kind}/{name}");
                assert!(is_of_another_api || targets.contains(target.as_str()), "{target} is not used");
            }
        }
    }

    /// Otherwise, one would replace the other.
    #[test]
    fn every_operation_and_component_is_described_once() {
        let mut seen = BTreeSet::new();
        for part in DESCRIPTIONS.into_iter().chain([include_str!("document.json")]).map(read) {
            assert!(part.is_object(), "a part is not JSON");
            for group in [&part["paths"], &part["components"]] {
                for (name, members) in group.as_object().into_iter().flatten() {
                    for member in members.as_object().unwrap().keys() {
                        assert!(seen.insert(format!("{name} {member}")), "{name} {member}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_short_forms_are_known_words() {
        let assembled = assembled();
        let mut problems = Vec::new();
        all(&assembled, "x-problems", &mut problems);
        for words in problems {
            assert_eq!(expand::codes(Some(words)).len(), words.as_array().unwrap().len(), "{words}");
        }
        let mut scopes = Vec::new();
        all(&assembled, "x-scope", &mut scopes);
        assert!(scopes.iter().all(|scope| ["read", "send", "metrics", "admin"].contains(&scope.as_str().unwrap())));
        for short in ["x-problems", "x-scope", "x-notify", "x-json", "x-list", "x-page"] {
            let (mut left, description) = (Vec::new(), description());
            all(&description, short, &mut left);
            assert!(left.is_empty(), "{short} is left in the description");
        }
    }

    /// An example is an answer of a server, so it shows what programs get.
    #[test]
    fn every_operation_has_an_example_that_its_schema_admits() {
        let (description, examples) = (description(), read(EXAMPLES));
        let mut checked = 0;
        let mut check = |place: &str, contents: &Value| {
            for (media, content) in contents.as_object().into_iter().flatten() {
                let Some(example) = content.get("example").filter(|example| !example.is_string()) else { continue };
                let mut schema = content["schema"].clone();
                schema["components"] = description["components"].clone();
                let validator = jsonschema::draft202012::options().build(&schema).unwrap();
                let error = validator.validate(example).err().map(|error| error.to_string());
                assert_eq!(error, None, "{place} {media}");
                checked += 1;
            }
        };
        let mut named = BTreeSet::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
                let (place, id) = (format!("{method} {path}"), operation["operationId"].as_str().unwrap());
                assert!(examples[id]["path"].is_string(), "{place} has no example");
                named.insert(id.to_owned());
                check(&place, &operation["requestBody"]["content"]);
                for answer in operation["responses"].as_object().unwrap().values() {
                    check(&place, &answer["content"]);
                }
            }
        }
        assert!(checked > 35, "{checked} examples");
        assert_eq!(named, examples.as_object().unwrap().keys().cloned().collect(), "examples without an operation");
    }

    #[test]
    fn every_body_with_filters_has_all_filters_of_the_list() {
        let description = description();
        let is_filter = |name: &&str| !PAGING.contains(name);
        let filters: BTreeSet<_> = ListRequest::NAMES.into_iter().filter(is_filter).collect();
        for place in ["ToSearch", "FilterToCancel", "FilterToSendAgain", "MessagesViewToSave/properties/filter"] {
            let members = &description.pointer(&format!("/components/schemas/{place}/properties")).unwrap();
            let described = members.as_object().unwrap().keys().map(String::as_str).filter(is_filter);
            assert_eq!(described.collect::<BTreeSet<_>>(), filters, "{place}");
        }
    }

    #[test]
    fn every_schema_is_valid() {
        let description = description();
        for name in description["components"]["schemas"].as_object().unwrap().keys() {
            validator(&description, name);
        }
    }

    #[test]
    fn the_security_follows_the_settings() {
        let security = |conditions: &Conditions, path: &str, method: &str| {
            describe(conditions)["paths"][path][method]["security"].clone()
        };
        let closed = Conditions::default();
        assert_eq!(security(&closed, "/v1/import", "post"), json!([{ "token": ["admin"] }, { "session": ["admin"] }]));
        let open = Conditions { is_open: true, notify: Some(Authentication::default()), ..Conditions::default() };
        assert_eq!(security(&open, "/v1/import", "post"), json!([]));
        assert_eq!(security(&open, "/notify", "post"), json!([]));
        let key = |text: &str| Some(ReloadableSecret::fixed(ActiveSecrets::new(vec![text.into()]).unwrap()));
        let asked = Authentication { bearer: key("b"), hub_secrets: key("h"), ..Authentication::default() };
        let asked = Conditions { notify: Some(asked), ..Conditions::default() };
        assert_eq!(security(&asked, "/notify", "post"), json!([{ "notifyBearer": [], "notifySignature": [] }]));
    }

    /// Members that are valid or nearly valid, in any combination.
    fn message() -> impl Strategy<Value = Value> {
        let words = || prop_oneof![Just(json!("Hi")), Just(json!(" \u{3000}")), Just(json!("a\0b")), Just(json!(7))];
        let one_of = |values: Vec<Value>| prop::sample::select(values);
        let ids = vec![
            json!("+447700900123"),
            json!("dana@example.org"),
            json!("user-1"),
            json!({ "msisdn": "447700900123" }),
            json!({ "email": ["dana@example.org", "eli@example.org"] }),
            json!({ "waid": ["447700900123"] }),
            json!({ "userid": "a", "psid": "b" }),
            json!({ "abcUserId": [] }),
        ];
        let contents = vec![
            json!({ "type": "text", "text": "Hi" }),
            json!({ "type": "text", "text": { "body": "Hi" } }),
            json!({ "type": "image" }),
            json!({ "type": "invitation" }),
            json!({ "type": "TTS", "text": "Hi" }),
            json!({ "audio": {} }),
            json!({ "thread_id": "1", "message": { "text": "Hi" } }),
            json!({ "android": { "text": "Hi", "extras": { "time_to_live": "2419201" } } }),
            json!({}),
        ];
        let maybe = |strategy: BoxedStrategy<Value>| {
            prop::option::weighted(0.4, prop_oneof![1 => Just(Value::Null), 5 => strategy])
        };
        let channels: Vec<_> = crate::domain::Channel::known().map(|channel| json!(channel.as_str())).collect();
        let required =
            (one_of(channels), one_of(vec![json!("ACME"), json!("+44"), json!("a@example.org")]), one_of(ids));
        let optional = (
            maybe(words().boxed()),
            maybe(words().boxed()),
            maybe(one_of(contents).boxed()),
            maybe(one_of(vec![json!({}), json!({ "id": "1" }), json!({ "template": "1" })]).boxed()),
            maybe(one_of(vec![json!("order-1"), json!("txn:1"), json!(""), json!("x".repeat(51))]).boxed()),
            maybe(one_of(vec![json!("259200"), json!("259201"), json!("soon"), json!(true)]).boxed()),
            maybe(one_of(vec![json!(["dana@example.org"]), json!(true), json!("x")]).boxed()),
        );
        (required, optional).prop_map(|((channel, from, to), optional)| {
            let mut message = Map::from_iter([("channel".into(), channel), ("from".into(), from), ("to".into(), to)]);
            let (text, subject, content, template, id, validity, cc) = optional;
            let named = [
                ("text", text),
                ("subject", subject),
                ("content", content),
                ("template", template),
                ("correlationId", id),
                ("validity", validity),
                ("cc", cc),
            ];
            message.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            Value::Object(message)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]
        #[test]
        fn a_message_matches_the_description_if_and_only_if_it_is_accepted(message in message()) {
            thread_local! { static MESSAGE: jsonschema::Validator = validator(&description(), "MessageToSend"); }
            let checked = send::check(&Draft::new(message.clone()).unwrap(), Some(SmsApi::V2));
            let fits = MESSAGE.with(|validator| validator.is_valid(&message));
            prop_assert_eq!(fits, checked.is_ok(), "{}: {:?}", message, checked.err());
        }
    }
}
