//! `GET /v1/inbound` and a single entry of it: messages and events of customers, which came to the notify URL.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};

use crate::{
    domain::Fingerprint,
    http::{
        extract::{auth::CanRead, caught_up::CaughtUp, paging::Paging},
        problem::Problem,
        state::App,
    },
};

/// Lists the messages and events of customers, newest first.
pub(super) async fn list(caller: CaughtUp<CanRead>, page: Paging, app: Data<App>) -> Result<HttpResponse, Problem> {
    app.looked_at(caller.actor(), || "inbound".to_owned()).await?;
    Ok(HttpResponse::Ok().json(app.query.inbound(page.after.as_ref(), page.limit).await?))
}

/// Returns one of the messages and events of customers.
pub(super) async fn one(
    caller: CaughtUp<CanRead>,
    fingerprint: Path<String>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let not_found = || Problem::no_such_record(&fingerprint);
    let found = app.query.inbound_of(Fingerprint::from_hex(&fingerprint).ok_or_else(not_found)?).await?;
    let found = found.ok_or_else(not_found)?;
    app.looked_at(caller.actor(), || format!("inbound {fingerprint}")).await?;
    Ok(HttpResponse::Ok().json(found))
}
