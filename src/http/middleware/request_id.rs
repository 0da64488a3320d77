//! The id of each request: that of `x-request-id` if it is usable, otherwise a new one. The answer and the log lines
//! about the request contain it. The log lines name the route and not the path, which may contain a token.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use crate::http::transport::answer;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 64;

/// Gives the request its id, and logs its outcome.
pub(crate) async fn identify(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = request.headers().get(HEADER).filter(|value| usable(value)).cloned().unwrap_or_else(fresh);
    let (method, route) = (request.method().clone(), request.match_pattern().unwrap_or_default());
    let span = tracing::info_span!("request", method = method.as_str(), route, id = id.to_str().unwrap_or_default());
    let began = Instant::now();
    let around = answer::open_request(&request).await;
    let mut response = next.call(request).instrument(span.clone()).await?.map_body(|_, body| around(body));
    response.headers_mut().insert(HEADER, id);
    let _entered = span.enter();
    let (status, milliseconds) = (response.status().as_u16(), began.elapsed().as_millis());
    if status >= 500 {
        tracing::warn!(%method, route, status, milliseconds, "a request could not be served");
    } else {
        tracing::debug!(%method, route, status, milliseconds, "served a request");
    }
    Ok(response)
}

fn usable(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=LONGEST).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte))
}

fn fresh() -> HeaderValue {
    HeaderValue::from_str(&Uuid::new_v4().to_string()).unwrap_or_else(|_| HeaderValue::from_static("none"))
}
