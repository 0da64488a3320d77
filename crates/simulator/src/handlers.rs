//! The endpoints.

use std::io;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::{self, Bytes, Data, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::time::sleep;

use super::courier::until_posted;
use super::export::{self, Kind};
use super::platform::{Manner, Platform};
use super::request::Api;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(HttpResponse::Ok))
        .route("/", web::head().to(HttpResponse::Ok))
        .route("/resources/v1/messaging", web::post().to(v1))
        .route("/resources/v1/messaging/", web::post().to(v1))
        .route("/v2/messages", web::post().to(v2))
        .route("/v1/sms/messages", web::post().to(sms))
        .route("/v1/voice/messages", web::post().to(voice))
        .route("/v1/instagram/messages", web::post().to(instagram))
        .route("/simulator/report", web::get().to(report))
        .route("/simulator/failed", web::get().to(failed));
}

async fn v1(request: HttpRequest, body: Bytes, platform: Data<Platform>) -> HttpResponse {
    send(Api::V1, &request, &body, &platform).await
}

async fn v2(request: HttpRequest, body: Bytes, platform: Data<Platform>) -> HttpResponse {
    send(Api::V2, &request, &body, &platform).await
}

async fn sms(request: HttpRequest, body: Bytes, platform: Data<Platform>) -> HttpResponse {
    send(Api::Sms, &request, &body, &platform).await
}

async fn voice(request: HttpRequest, body: Bytes, platform: Data<Platform>) -> HttpResponse {
    send(Api::Voice, &request, &body, &platform).await
}

async fn instagram(request: HttpRequest, body: Bytes, platform: Data<Platform>) -> HttpResponse {
    send(Api::Instagram, &request, &body, &platform).await
}

async fn report(platform: Data<Platform>) -> HttpResponse {
    HttpResponse::Ok().json(platform.ledger.report())
}

/// The export of failed notifications.
async fn failed(kind: Query<Kind>, platform: Data<Platform>) -> HttpResponse {
    let file = export::file(kind.format, &platform.ledger.report().dropped);
    match file {
        Ok(file) => HttpResponse::Ok().content_type(kind.format.content_type()).body(file),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

async fn send(api: Api, request: &HttpRequest, body: &[u8], platform: &Platform) -> HttpResponse {
    let reply = platform.take(api, key(api, request.headers()), body);
    for first in reply.early {
        until_posted(first).await;
    }
    if !platform.settings.answer_delay.is_zero() {
        sleep(platform.settings.answer_delay).await;
    }
    match reply.manner {
        Manner::Plain => {}
        Manner::Hang => std::future::pending().await,
        Manner::Garbage => return HttpResponse::Ok().content_type("text/html").body("<html>Please wait</html>"),
        Manner::Reset => return broken_off(),
    }
    let status = StatusCode::from_u16(reply.answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match reply.answer.body {
        Some(body) => HttpResponse::build(status).json(body),
        None => HttpResponse::build(status).finish(),
    }
}

/// The key of a request. If there are a `key` and a JWT, the JWT counts. The APIs of a single channel also accept a key
/// in `Authorization` without a scheme.
fn key(api: Api, headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty());
    let authorization = text("authorization");
    let bearer = authorization.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
    });
    let raw =
        authorization.filter(|value| matches!(api, Api::Sms | Api::Voice | Api::Instagram) && !value.contains(' '));
    bearer.or(raw).or_else(|| text("key"))
}

/// Announces a longer body than it sends, and closes the connection.
fn broken_off() -> HttpResponse {
    let parts =
        stream::iter([Ok(Bytes::from_static(b"{\"resp")), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(SizedStream::new(1000, parts))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn key_of(api: Api, headers: &[(&'static str, &str)]) -> Option<String> {
        let request = headers.iter().fold(TestRequest::default(), |request, header| request.insert_header(*header));
        key(api, request.to_http_request().headers()).map(str::to_owned)
    }

    #[test]
    fn a_key_may_be_in_several_headers() {
        assert_eq!(key_of(Api::V1, &[("key", "k1")]).as_deref(), Some("k1"));
        assert_eq!(key_of(Api::V2, &[("key", "k1"), ("authorization", "bearer j1")]).as_deref(), Some("j1"));
        assert_eq!(key_of(Api::Sms, &[("authorization", "k1")]).as_deref(), Some("k1"));
        assert_eq!(key_of(Api::V2, &[("authorization", "k1")]), None);
        assert_eq!(key_of(Api::V1, &[("key", " ")]), None);
    }
}
