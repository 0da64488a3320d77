//! `GET /v1/inbound` and one of it: customers' own messages and events, which came to the notify URL.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};

use crate::{
    domain::Fingerprint,
    http::{
        extract::{
            auth::{Caller, CanRead},
            paging::Paging,
        },
        problem::Problem,
        state::App,
    },
};

/// Customers' own messages and events, newest first.
pub(super) async fn list(caller: Caller<CanRead>, page: Paging, app: Data<App>) -> Result<HttpResponse, Problem> {
    app.looked_at(caller.actor(), || "inbound".to_owned()).await?;
    Ok(HttpResponse::Ok().json(app.query.inbound(page.after.as_ref(), page.limit).await?))
}

/// One of the customers' messages and events.
pub(super) async fn one(
    caller: Caller<CanRead>,
    fingerprint: Path<String>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let nothing = || Problem::no_such_record(&fingerprint);
    let found = app.query.inbound_of(Fingerprint::from_hex(&fingerprint).ok_or_else(nothing)?).await?;
    let found = found.ok_or_else(nothing)?;
    app.looked_at(caller.actor(), || format!("inbound {fingerprint}")).await?;
    Ok(HttpResponse::Ok().json(found))
}
