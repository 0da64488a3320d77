//! The pages for people. Each is another form of what the API answers: the handlers call the same queries with the same
//! parameters and scopes, and show the structs that the API serializes. A test compares each page with its twin.
//!
//! To add a page, add a file with its handler, and a line to the table of routes. A handler returns a [`page::Page`] or a
//! problem. Everything has to work without scripts.
//!
//! | File | Contents |
//! | --- | --- |
//! | `page` | what every page has around its content, and its headers |
//! | `problem` | problems as pages |
//! | `login` | logs people in and out |
//! | `show` | small parts: times, statuses, facts |
//! | `find` | the box |
//! | `overview` | what happens at the moment |
//! | `failures` | which messages did not arrive, and why |
//! | `chart` | a chart of failures over time |
//! | `live` | what is new since a page was made |
//! | `messages`, `why` | the list of messages; one message, with what happened and why |
//! | `saved_views` | the saved views of a list: links, and forms that save and remove |
//! | `bulk/` | acts on all messages of a filter: cancels them, sends them again |
//! | `retry` | reads the quarantine again |
//! | `archive` | inbound messages, and the quarantine |
//! | `audit` | the audit log |
//! | `glossary` | what statuses and codes mean |

mod archive;
mod audit;
mod bulk;
mod chart;
mod failures;
mod find;
mod glossary;
mod live;
mod login;
mod messages;
mod overview;
mod page;
mod problem;
mod retry;
mod saved_views;
mod show;
mod why;

use actix_web::{
    guard::{Guard, GuardContext},
    http::{Method, header::CONTENT_TYPE},
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::http::{assets, routes::Endpoint};

fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/").get(overview::page),
        Endpoint::at("/find").post(find::find),
        Endpoint::at("/messages").get(messages::page),
        Endpoint::at("/messages/{correlationId}").get(why::page),
        Endpoint::at("/messages/{correlationId}/cancel").post(why::cancel),
        Endpoint::at("/messages/{correlationId}/again").get(why::again::page).post(why::again::send),
        Endpoint::at("/cancel").get(bulk::cancel::preview).post(bulk::cancel::run),
        Endpoint::at("/again").get(bulk::again::preview).post(bulk::again::run),
        Endpoint::at("/views").post(saved_views::save),
        Endpoint::at("/views/remove").post(saved_views::remove),
        Endpoint::at("/failures").get(failures::page),
        Endpoint::at("/inbound").get(archive::inbound),
        Endpoint::at("/quarantine").get(archive::quarantine),
        Endpoint::at("/quarantine/retry").get(retry::preview).post(retry::run),
        Endpoint::at("/audit").get(audit::page),
        Endpoint::at("/statuses").get(glossary::statuses),
        Endpoint::at("/codes").get(glossary::codes),
        Endpoint::at("/session/end").post(login::leave),
        Endpoint::at("/assets/{file}").get(assets::serve),
    ]
}

/// Adds the pages to the service.
pub(crate) fn register(service: &mut ServiceConfig) {
    let login = web::resource("/session").guard(Form).route(web::post().to(login::enter));
    service.service(login.wrap(from_fn(problem::as_page)));
    for endpoint in endpoints() {
        // A notification that is posted to the path of a page is at an unknown path, which logs and counts it.
        service.service(endpoint.leaving(Method::POST).resource().wrap(from_fn(problem::as_page)));
    }
}

/// A form, which only a page sends.
struct Form;

impl Guard for Form {
    fn check(&self, request: &GuardContext<'_>) -> bool {
        let media_type = request.head().headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        media_type.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
    }
}
