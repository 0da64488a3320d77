//! `GET /v1/statuses` and `GET /v1/codes`: what statuses and codes mean, in words for everybody.

use actix_web::HttpResponse;

use crate::{
    http::{
        extract::{
            auth::{Caller, CanRead},
            pairs::{Pairs, texts},
        },
        problem::Problem,
    },
    query::{self, CodeRequest},
};

/// Explains every status.
pub(super) async fn statuses(_: Caller<CanRead>, pairs: Pairs) -> Result<HttpResponse, Problem> {
    match pairs.first() {
        None => Ok(HttpResponse::Ok().json(query::statuses())),
        Some((name, _)) => Err(Problem::faulty_field(format!("/{name}"), "is not a parameter; there are none")),
    }
}

/// Explains codes: all, or those of a channel, or one.
pub(super) async fn codes(_: Caller<CanRead>, pairs: Pairs) -> Result<HttpResponse, Problem> {
    let request = CodeRequest::parse(texts(&pairs)).map_err(Problem::faulty)?;
    Ok(HttpResponse::Ok().json(query::codes(&request)))
}
