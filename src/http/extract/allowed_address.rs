//! Decides by its address whether a client may use the notify URL.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};

use crate::{
    http::{
        extract::client_address::ClientAddress,
        problem::{Code, Problem},
        state::App,
    },
    observe::NotifyOutcome,
};

/// A client whose address is among `notify.allowed_addresses`. If that is empty, every client is.
pub(crate) struct AllowedAddress;

impl FromRequest for AllowedAddress {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(allow(request).map(|()| Self).map_err(|problem| problem.leaving_body(request, payload)))
    }
}

fn allow(request: &HttpRequest) -> Result<(), Problem> {
    let Some(app) = request.app_data::<Data<App>>() else {
        return Err(Problem::new(Code::Unavailable, "the server is starting; try again"));
    };
    let allowed = &app.allowed_addresses;
    let is_allowed = |client: ClientAddress| allowed.contain(client.0);
    if allowed.is_empty() || ClientAddress::of(request, &app.proxies).is_some_and(is_allowed) {
        return Ok(());
    }
    app.metrics.notified(NotifyOutcome::AddressNotAllowed);
    // As far as is documented, the platform tries again after a 403, and then lists the notification as failed. So a
    // missing address can be added to the list, and no notification is lost.
    Err(Problem::new(Code::AddressNotAllowed, "the address of the client is not in notify.allowed_addresses"))
}
