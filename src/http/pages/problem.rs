//! Turns problems into pages. Without a session, that is the form to log in.

use std::convert::Infallible;

use actix_web::{
    Error,
    body::{BoxBody, EitherBody, MessageBody, SizedStream},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue, REFRESH},
    },
    middleware::Next,
    web::Bytes,
};
use futures_util::{StreamExt, stream};
use maud::html;

use super::{
    login,
    page::{HEADERS, Page},
    show::capitalised,
};
use crate::http::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Answers with a page where the handler answers with a problem.
pub(super) async fn as_page(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let response = next.call(request).await?;
    let Some(problem) = response.response().error().and_then(|error| error.as_error::<Problem>()) else {
        return Ok(response.map_into_left_body());
    };
    let request = response.request();
    let is_from_elsewhere = request.headers().get(SEC_FETCH_SITE).is_some_and(|site| site == "cross-site");
    let address = request.uri().path_and_query().map_or("/", |address| address.as_str());
    let is_unknown = problem.code().status() == StatusCode::UNAUTHORIZED;
    let page = match is_unknown {
        true if is_from_elsewhere => opening(address),
        true => login::form(address, None),
        false => failed(problem),
    };
    let text = Bytes::from(page.render(request).into_string());
    let (request, response) = response.into_parts();
    // The problem may contain the unread rest of the request, which has to live as long as the answer.
    let (response, rest) = response.into_parts();
    let length = text.len() as u64;
    let text = stream::iter([text]).map(move |text| {
        let _ = &rest;
        Ok::<_, Infallible>(text)
    });
    let mut response = response.set_body(BoxBody::new(SizedStream::new(length, text)));
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, value);
    }
    if is_unknown && is_from_elsewhere {
        response.headers_mut().insert(REFRESH, HeaderValue::from_static("0"));
    }
    Ok(ServiceResponse::new(request, response).map_into_right_body())
}

/// After a link on another site, browsers do not send the cookie of a session. They send it when this page opens itself
/// again.
fn opening(address: &str) -> Page {
    let main = html! {
        h1 { "Opening the page" }
        p { a href=(address) { "Continue, if nothing happens" } }
    };
    Page { title: "Opening".to_owned(), room: None, main, twin: None }
}

fn failed(problem: &Problem) -> Page {
    let main = html! {
        section.card.note {
            h1 { (problem.code().title()) }
            p { (capitalised(problem.detail())) "." }
            @if !problem.errors().is_empty() {
                ul {
                    @for error in problem.errors() {
                        li { code { (error.pointer.trim_start_matches('/')) } " " (error.detail) }
                    }
                }
            }
            p { a href="/messages" { "All messages" } }
        }
    };
    Page { title: problem.code().title().to_owned(), room: None, main, twin: None }
}
