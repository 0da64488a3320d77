//! `GET /openapi.json`: what the API takes and answers, as OpenAPI 3.1. `receiptd openapi` prints the same.
//!
//! What the code knows is taken from the code: the words of statuses and channels, the problems, the rules of messages.
//! The rest is kept by hand, and tests hold it to the code: each route is described and each description has its route;
//! every answer of the API's tests fits its description; and schemathesis finds nothing.
//!
//! | File | Holds |
//! | --- | --- |
//! | `document.json` | what is said once: credentials, parameters, headers |
//! | `paths.json` | the operations |
//! | `schemas.json` | what is answered |
//! | `message` | a message to send, from the platform's rules |
//! | `expand` | the short forms of `paths.json` |
//!
//! To describe an operation, add it to `paths.json`. Short forms: `x-scope` is the scope that it asks for, `x-notify` says
//! that it asks for what the notify URL asks for, `x-problems` are the codes of `problem`; in an answer, `x-json`, `x-list`
//! and `x-page` name the schema of the body, or of its items.

mod expand;
mod message;

use actix_web::{
    HttpResponse,
    http::header::CONTENT_TYPE,
    web::{Bytes, Data},
};
use serde_json::{Value, json};

use super::{docs, server::App};
use crate::{
    domain::{AuditAction, Cursor, Dimension, Failure, Object, Origin, PageLimit, Status},
    maintenance::Subject,
    notify::Authentication,
    webex::{SmsApi, rules},
};

/// Where schemas stand in the document.
const SCHEMAS: &str = "#/components/schemas/";

/// What the settings make of the API.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// Whether no token is asked for.
    pub is_open: bool,
    /// What the notify URL asks for; `None` where no server's settings are known.
    pub notify: Option<Authentication>,
    /// By which API text messages go, which have other rules by each.
    pub sms_api: SmsApi,
}

impl Conditions {
    /// Those of a server.
    pub(super) fn of(app: &App) -> Self {
        Self {
            is_open: app.tokens.is_none(),
            notify: Some(app.intake.authentication.clone()),
            sms_api: app.sender.sms_api().unwrap_or_default(),
        }
    }
}

/// The description.
pub fn describe(conditions: &Conditions) -> Value {
    let mut document = read(include_str!("document.json"));
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    document["paths"] = expand::paths(read(include_str!("paths.json")), conditions);
    document["components"]["parameters"]["limit"]["schema"]["maximum"] = PageLimit::MAX.into();
    document["components"]["schemas"] = schemas(conditions.sms_api).into();
    document
}

/// The files are part of the program, and a test reads them.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn schemas(sms_api: SmsApi) -> Object {
    let mut schemas = rules::schemas(SCHEMAS);
    if let Value::Object(kept) = read(include_str!("schemas.json")) {
        schemas.extend(kept);
    }
    let words = [
        ("Status", Status::all().map(Status::as_str).collect::<Vec<_>>()),
        ("Failure", Failure::ALL.map(Failure::as_str).to_vec()),
        ("Origin", Origin::ALL.map(Origin::as_str).to_vec()),
        ("AuditAction", AuditAction::ALL.map(AuditAction::as_str).to_vec()),
        ("Dimension", Dimension::ALL.map(Dimension::as_str).to_vec()),
        ("Subject", Subject::ALL.map(Subject::as_str).to_vec()),
    ];
    for (name, words) in words {
        schemas.entry(name).or_insert_with(|| json!({ "type": "string" }))["enum"] = words.into();
    }
    schemas["Cursor"]["pattern"] = Cursor::PATTERN.into();
    message::complete(&mut schemas["MessageToSend"], sms_api);
    schemas
}

/// What is served of the description. It is made once, since the settings do not change.
pub(super) struct Published {
    description: Bytes,
    pub(super) page: docs::Page,
}

impl Published {
    pub(super) fn of(conditions: &Conditions) -> Self {
        let description = describe(conditions);
        Self { page: docs::Page::of(&description), description: description.to_string().into() }
    }
}

/// The description of this server.
pub(super) async fn serve(published: Data<Published>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(published.description.clone())
}

#[cfg(test)]
mod tests;
