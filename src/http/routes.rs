//! All routes.

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

use super::{
    archive, audit, cancel, docs, endpoint::Endpoint, events, export, health, import, messages, notify, openapi,
    rebuild, send, stats, unknown_path,
};

/// The one table. What stands here stands in the description (`openapi/`) too, and the other way round.
pub(super) fn endpoints() -> Vec<Endpoint> {
    // With a slash at the end too: a 404 would be the end of a notification.
    let notify = ["/notify", "/notify/", "/notify/{token}", "/notify/{token}/"]
        .map(|path| Endpoint::at(path).post(notify::take).on(Method::HEAD, notify::probe).get(notify::probe));
    let check = ["/notify-check", "/notify-check/{token}"].map(|path| Endpoint::at(path).post(notify::check));
    let others = [
        Endpoint::at("/v1/messages").post(send::send).get(messages::list),
        Endpoint::at("/v1/messages/{correlationId}").get(messages::one),
        Endpoint::at("/v1/messages/{correlationId}/cancel").post(cancel::cancel),
        Endpoint::at("/v1/messages/{correlationId}/notifications").get(messages::notifications),
        Endpoint::at("/v1/stats").get(stats::stats),
        Endpoint::at("/v1/events").get(events::follow),
        Endpoint::at("/v1/export").get(export::export),
        Endpoint::at("/v1/import").post(import::import),
        Endpoint::at("/v1/rebuild").post(rebuild::rebuild),
        Endpoint::at("/v1/inbound").get(archive::inbound),
        Endpoint::at("/v1/inbound/{fingerprint}").get(archive::one_inbound),
        Endpoint::at("/v1/quarantine").get(archive::quarantine),
        Endpoint::at("/v1/quarantine/retry").post(archive::retry),
        Endpoint::at("/v1/quarantine/{fingerprint}").get(archive::one_quarantined),
        Endpoint::at("/v1/audit").get(audit::list),
        Endpoint::at("/v1/audit/verify").get(audit::verify),
        Endpoint::at("/v1/erase").post(audit::erase),
        Endpoint::at("/health/live").get(health::live).on(Method::HEAD, health::live),
        Endpoint::at("/health/ready").get(health::ready).on(Method::HEAD, health::ready),
        Endpoint::at("/metrics").get(health::metrics),
        Endpoint::at("/openapi.json").get(openapi::serve),
        Endpoint::at("/docs").get(docs::page),
    ];
    notify.into_iter().chain(check).chain(others).collect()
}

pub(super) fn routes(service: &mut ServiceConfig) {
    for endpoint in endpoints() {
        endpoint.register(service);
    }
    service.default_service(web::to(unknown_path::answer));
}
