//! All routes. Each resource has a file with its handlers, and a JSON file with its part of the API description.

mod audit;
pub(crate) mod bulk;
pub(crate) mod bulk_again;
pub(crate) mod bulk_cancel;
pub(crate) mod cancel;
mod docs;
mod endpoint;
mod erase;
mod events;
mod export;
pub(crate) mod find;
mod glossary;
mod health;
mod import;
mod inbound;
mod messages;
mod metrics;
mod notify;
pub(crate) mod overview;
pub(crate) mod quarantine;
mod rebuild;
mod search;
mod send;
pub(crate) mod session;
mod stats;
mod unknown_path;
pub(crate) mod views;

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

pub(crate) use endpoint::Endpoint;
pub(crate) use events::Followers;
pub(crate) use health::Probe;
pub(crate) use unknown_path::Misdirected;

/// The part of each resource in the API description. `openapi` combines them.
pub(crate) const DESCRIPTIONS: [&str; 24] = [
    include_str!("audit.json"),
    include_str!("bulk_again.json"),
    include_str!("bulk_cancel.json"),
    include_str!("cancel.json"),
    include_str!("docs.json"),
    include_str!("erase.json"),
    include_str!("events.json"),
    include_str!("export.json"),
    include_str!("find.json"),
    include_str!("glossary.json"),
    include_str!("health/health.json"),
    include_str!("import.json"),
    include_str!("inbound.json"),
    include_str!("messages.json"),
    include_str!("metrics.json"),
    include_str!("notify.json"),
    include_str!("overview.json"),
    include_str!("quarantine.json"),
    include_str!("rebuild.json"),
    include_str!("search.json"),
    include_str!("send/send.json"),
    include_str!("session.json"),
    include_str!("stats.json"),
    include_str!("views.json"),
];

/// The table of all routes. A test compares it with the description.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    // A slash at the end is accepted too: a notification that gets a 404 is lost.
    let notify = ["/notify", "/notify/", "/notify/{token}", "/notify/{token}/"]
        .map(|path| Endpoint::at(path).post(notify::take).on(Method::HEAD, notify::probe).get(notify::probe));
    let check = ["/notify-check", "/notify-check/{token}"].map(|path| Endpoint::at(path).post(notify::check));
    let others = [
        Endpoint::at("/v1/messages").post(send::send).get(messages::list),
        // A message may have the correlation id `search`, `cancel` or `again`.
        Endpoint::at("/v1/messages/search").post(search::search).leaving(Method::GET),
        Endpoint::at("/v1/messages/cancel").post(bulk_cancel::cancel).leaving(Method::GET),
        Endpoint::at("/v1/messages/again").post(bulk_again::again).leaving(Method::GET),
        Endpoint::at("/v1/messages/{correlationId}").get(messages::one),
        Endpoint::at("/v1/messages/{correlationId}/cancel").post(cancel::cancel),
        Endpoint::at("/v1/messages/{correlationId}/notifications").get(messages::notifications),
        Endpoint::at("/v1/find").post(find::find),
        Endpoint::at("/v1/stats").get(stats::stats),
        Endpoint::at("/v1/overview").get(overview::overview),
        Endpoint::at("/v1/statuses").get(glossary::statuses),
        Endpoint::at("/v1/codes").get(glossary::codes),
        Endpoint::at("/v1/events").get(events::follow),
        Endpoint::at("/v1/views").get(views::list).post(views::save),
        Endpoint::at("/v1/views/{id}").on(Method::DELETE, views::remove),
        Endpoint::at("/v1/export").get(export::export),
        Endpoint::at("/v1/import").post(import::import),
        Endpoint::at("/v1/rebuild").post(rebuild::rebuild),
        Endpoint::at("/v1/inbound").get(inbound::list),
        Endpoint::at("/v1/inbound/{fingerprint}").get(inbound::one),
        Endpoint::at("/v1/quarantine").get(quarantine::list),
        Endpoint::at("/v1/quarantine/retry").post(quarantine::retry),
        Endpoint::at("/v1/quarantine/{fingerprint}").get(quarantine::one),
        Endpoint::at("/v1/audit").get(audit::list),
        Endpoint::at("/v1/audit/verify").get(audit::verify),
        Endpoint::at("/v1/erase").post(erase::erase),
        Endpoint::at("/session").post(session::begin).on(Method::DELETE, session::end),
        Endpoint::at("/health/live").get(health::live).on(Method::HEAD, health::live),
        Endpoint::at("/health/ready").get(health::ready).on(Method::HEAD, health::ready),
        Endpoint::at("/metrics").get(metrics::metrics),
        Endpoint::at("/openapi.json").get(docs::openapi),
        Endpoint::at("/docs").get(docs::page),
    ];
    notify.into_iter().chain(check).chain(others).collect()
}

pub(crate) fn register(service: &mut ServiceConfig) {
    for endpoint in endpoints() {
        endpoint.register(service);
    }
    service.default_service(web::to(unknown_path::answer));
}
