//! All routes.

use actix_web::web::{self, ServiceConfig, get, head, post, resource};

use super::{audit, cancel, events, export, health, import, messages, notify, problem, rebuild, send, shelf, stats};

pub(super) fn routes(service: &mut ServiceConfig) {
    // With a slash at the end too: a 404 would be the end of a notification.
    for path in ["/notify", "/notify/", "/notify/{token}", "/notify/{token}/"] {
        service.service(
            resource(path)
                .route(post().to(notify::take))
                .route(head().to(notify::probe))
                .route(get().to(notify::probe))
                .default_service(web::to(problem::method_not_allowed)),
        );
    }
    for path in ["/notify-check", "/notify-check/{token}"] {
        service.service(
            resource(path).route(post().to(notify::check)).default_service(web::to(problem::method_not_allowed)),
        );
    }
    let resources = [
        resource("/v1/messages").route(post().to(send::send)).route(get().to(messages::list)),
        resource("/v1/messages/{id}").route(get().to(messages::one)),
        resource("/v1/messages/{id}/cancel").route(post().to(cancel::cancel)),
        resource("/v1/messages/{id}/notifications").route(get().to(messages::notifications)),
        resource("/v1/stats").route(get().to(stats::stats)),
        resource("/v1/events").route(get().to(events::follow)),
        resource("/v1/export").route(get().to(export::export)),
        resource("/v1/import").route(post().to(import::import)),
        resource("/v1/rebuild").route(post().to(rebuild::rebuild)),
        resource("/v1/inbound").route(get().to(shelf::inbound)),
        resource("/v1/inbound/{fingerprint}").route(get().to(shelf::one_inbound)),
        resource("/v1/quarantine").route(get().to(shelf::quarantine)),
        resource("/v1/quarantine/retry").route(post().to(shelf::retry)),
        resource("/v1/quarantine/{fingerprint}").route(get().to(shelf::one_quarantined)),
        resource("/v1/audit").route(get().to(audit::trail)),
        resource("/v1/audit/verify").route(get().to(audit::verify)),
        resource("/v1/erase").route(post().to(audit::erase)),
        resource("/health/live").route(get().to(health::live)).route(head().to(health::live)),
        resource("/health/ready").route(get().to(health::ready)).route(head().to(health::ready)),
        resource("/metrics").route(get().to(health::metrics)),
    ];
    for resource in resources {
        service.service(resource.default_service(web::to(problem::method_not_allowed)));
    }
    service.default_service(web::to(problem::no_such_path));
}
