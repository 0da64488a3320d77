//! The header `Receiptd-Behind`: how many seconds of acknowledged notifications the answer may lack.

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};

use crate::http::state::Behind;

const HEADER: HeaderName = HeaderName::from_static("receiptd-behind");

/// Adds the header if the projection was behind when the handler began.
pub(crate) async fn add_behind(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let behind = response.request().extensions().get::<Behind>().copied();
    if let Some(Behind(behind)) = behind {
        response.headers_mut().insert(HEADER, HeaderValue::from(behind.as_secs().saturating_add(1)));
    }
    Ok(response)
}
