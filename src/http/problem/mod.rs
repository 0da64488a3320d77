//! The errors that clients see: RFC 9457 with a stable `type` and `code`, and a `detail` that says what to do.
//!
//! Details that are only for the operator go to the log.

use std::{cell::Cell, convert::Infallible, fmt};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, ResponseError,
    body::SizedStream,
    dev,
    http::{
        StatusCode,
        header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    web::{Bytes, Payload},
};
use futures_util::{StreamExt, stream};
use serde::Serialize;

use crate::{
    audit::AuditUnavailable,
    domain::{CorrelationId, FieldError},
    storage::StorageError,
};

mod code;

pub(crate) use code::Code;

/// A failed request.
pub(crate) struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    /// The message that it is about, if that has an id already.
    correlation_id: Option<CorrelationId>,
    /// The unread rest of the request's body, which lives as long as the answer.
    rest: Cell<Option<Payload>>,
}

/// Much shorter than the 60 s after which the platform tries again by itself.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// The maximum number of errors in an answer, and of bytes of each pointer and detail, so that an answer does not become
/// much larger than the request.
const MOST_ERRORS: usize = 100;
const LONGEST_TEXT: usize = 500;

/// Shortens a text that is longer than an answer should repeat.
fn shorten(text: &mut String) {
    if text.len() > LONGEST_TEXT {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        text.push('…');
        text.shrink_to_fit();
    }
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), correlation_id: None, rest: Cell::new(None) }
    }

    /// The problem of one field. An empty pointer names the whole request.
    pub(crate) fn faulty_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::faulty(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    pub(crate) fn faulty(mut errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "one field is not valid; see errors".to_owned(),
            n if n > MOST_ERRORS => format!("{n} fields are not valid; errors names the first {MOST_ERRORS}"),
            n => format!("{n} fields are not valid; see errors"),
        };
        errors.truncate(MOST_ERRORS);
        errors.shrink_to_fit();
        for FieldError { pointer, detail } in &mut errors {
            shorten(pointer);
            shorten(detail);
        }
        Self { errors, ..Self::new(Code::InvalidRequest, detail) }
    }

    /// The same problem of a part of the request.
    pub(crate) fn below(mut self, place: &str) -> Self {
        self.errors.iter_mut().for_each(|error| error.pointer.insert_str(0, place));
        self
    }

    /// The problem as a document, for an answer that has begun already.
    pub(crate) fn document(&self) -> impl Serialize {
        self.body()
    }

    /// Adds the message that the problem is about.
    pub(crate) fn about(self, id: &CorrelationId) -> Self {
        Self { correlation_id: Some(id.clone()), ..self }
    }

    /// Adds the unread rest of the request's body. The connection is closed after the answer.
    ///
    /// The rest has to live as long as the answer: once it is dropped, actix reads a chunked body to its end, which may
    /// never come.
    pub(crate) fn closing(self, rest: Payload) -> Self {
        self.rest.set(Some(rest));
        self
    }

    /// Does the same for a request whose body is not read at all.
    pub(crate) fn leaving_body(self, request: &HttpRequest, payload: &mut dev::Payload) -> Self {
        match Payload::from_request(request, payload).into_inner() {
            Ok(rest) => self.closing(rest),
            Err(_) => self,
        }
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// What is wrong, and what to do.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The fields that are not valid.
    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Returns the answer with a page in place of the problem document.
    pub(crate) fn answer_with(&self, page: String) -> HttpResponse {
        self.answer(HeaderValue::from_static("text/html; charset=utf-8"), page.into())
    }

    fn answer(&self, media_type: HeaderValue, text: Bytes) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status());
        response.insert_header((CONTENT_TYPE, media_type));
        match self.code {
            Code::Unavailable | Code::TooManyRequests => _ = response.insert_header((RETRY_AFTER, RETRY_AFTER_SECONDS)),
            Code::Unauthorized => _ = response.insert_header((WWW_AUTHENTICATE, "Bearer")),
            _ => {}
        }
        let Some(rest) = self.rest.take() else { return response.body(text) };
        let length = text.len() as u64;
        let keeping_the_rest = move |text| {
            let _ = &rest;
            Ok::<_, Infallible>(text)
        };
        response.body(SizedStream::new(length, stream::iter([text]).map(keeping_the_rest)))
    }

    /// Returns the answer to one of many lines.
    pub(crate) fn of_line(&self, line: u64) -> impl Serialize {
        OfLine { line, problem: self.body() }
    }

    fn body(&self) -> Body<'_> {
        let (status, code, title) = (self.code.status(), self.code.as_str(), self.code.title());
        let errors = self.errors.iter().map(|error| BodyError { pointer: &error.pointer, detail: &error.detail });
        let r#type = format!("urn:receiptd:problem:{code}");
        let correlation_id = self.correlation_id.as_ref().map(CorrelationId::as_str);
        Body {
            r#type,
            title,
            status: status.as_u16(),
            code,
            detail: &self.detail,
            correlation_id,
            errors: errors.collect(),
        }
    }

    pub(crate) fn no_such_record(fingerprint: &str) -> Self {
        let detail = format!("no body has the fingerprint {fingerprint:?}; take it from the list");
        Self::new(Code::NotFound, detail)
    }

    pub(crate) fn no_such_message(id: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!(
                "there is no message with the correlation id {id:?}; a message without one is txn:<transaction id>"
            ),
        )
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    #[serde(rename = "correlationId", skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<BodyError<'a>>,
}

#[derive(Serialize)]
struct OfLine<'a> {
    line: u64,
    #[serde(flatten)]
    problem: Body<'a>,
}

#[derive(Serialize)]
struct BodyError<'a> {
    pointer: &'a str,
    detail: &'a str,
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem").field("code", &self.code).field("detail", &self.detail).finish_non_exhaustive()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let text = Bytes::from(serde_json::to_vec(&self.body()).unwrap_or_default());
        self.answer(HeaderValue::from_static("application/problem+json"), text)
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        if let StorageError::Lost(lost) = error {
            // It is in the log already.
            return Self::new(Code::Unavailable, lost.to_string());
        }
        tracing::error!(error = crate::observe::causes(&error), "the store did not answer");
        Self::new(Code::Unavailable, "the store cannot answer at the moment; try again")
    }
}

impl From<AuditUnavailable> for Problem {
    fn from(error: AuditUnavailable) -> Self {
        Self::new(Code::Unavailable, format!("{error}; try again"))
    }
}

/// The answer to a method that a path does not support; `allowed` names those that it supports.
pub(crate) fn method_not_allowed(allowed: &str) -> HttpResponse {
    let problem = Problem::new(Code::MethodNotAllowed, format!("this path supports {allowed}"));
    let mut response = problem.error_response();
    // This does not fail: names of methods are letters.
    let allowed = HeaderValue::from_str(allowed).unwrap_or_else(|_| HeaderValue::from_static(""));
    response.headers_mut().insert(ALLOW, allowed);
    response
}

/// This allows a handler to return a problem alone.
impl actix_web::Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}
