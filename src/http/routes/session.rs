//! `POST /session` and `DELETE /session`: a person logs in with an API token, and out again. Forms of pages are answered
//! in `pages`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::SET_COOKIE,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};

use crate::{
    config::Scope,
    domain::Timestamp,
    http::{
        extract::{auth::session, body},
        problem::{Code, Problem},
        state::App,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    token: String,
}

/// The caller whose session it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionView<'a> {
    name: &'a str,
    scopes: Vec<&'static str>,
    ends_at: Option<String>,
}

/// Begins a session.
pub(super) async fn begin(head: HttpRequest, payload: Payload, app: Data<App>) -> Result<HttpResponse, Problem> {
    if body::media_type(&head) != "application/json" {
        let detail = "send the token as Content-Type: application/json, or as a form";
        return Err(Problem::new(Code::UnsupportedMediaType, detail).closing(payload));
    }
    let text = body::small(&head, payload).await?;
    let login: Login = body::object(body::json(&text)?, "send {\"token\": \"…\"} as JSON")?;
    let begun = session::begin(&head, &app, login.token.trim()).await?;
    let mut response = HttpResponse::Ok();
    if let Some(cookie) = begun.cookie {
        response.insert_header((SET_COOKIE, cookie));
    }
    Ok(response.json(SessionView {
        name: begun.identity.actor().as_str(),
        scopes: begun.identity.scopes().iter().copied().map(Scope::as_str).collect(),
        ends_at: begun.ends_at.as_ref().map(Timestamp::to_string),
    }))
}

/// Ends the session. To end it again has the same result.
pub(super) async fn end(head: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::NoContent();
    if let Some(cookie) = session::end(&head, &app).await? {
        response.insert_header((SET_COOKIE, cookie));
    }
    Ok(response.finish())
}
