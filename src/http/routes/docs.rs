//! `GET /openapi.json` and `GET /docs`: the API description, for programs and for people.

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    web::Data,
};

use crate::http::{assets::POLICY, state::Published};

/// Returns the description as OpenAPI.
pub(super) async fn openapi(published: Data<Published>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(published.json.clone())
}

/// Returns the description as a page.
pub(super) async fn page(published: Data<Published>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(published.page.clone())
}
