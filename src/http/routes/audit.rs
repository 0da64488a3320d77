//! `GET /v1/audit` and `GET /v1/audit/verify`: the audit log, and the verification of the store.

use actix_web::{HttpResponse, web::Data};

use crate::{
    audit::Expected,
    domain::{AuditRequest, LinkHash},
    http::{
        extract::{
            auth::{Caller, CanAdminister},
            caught_up::CaughtUp,
            pairs::{Pairs, texts},
        },
        problem::Problem,
        state::App,
    },
};

/// Lists who did what, newest first.
pub(super) async fn list(_: Caller<CanAdminister>, pairs: Pairs, app: Data<App>) -> Result<HttpResponse, Problem> {
    let request = AuditRequest::parse(texts(&pairs)).map_err(Problem::faulty)?;
    Ok(HttpResponse::Ok().json(app.audit.list(&request).await?))
}

/// Verifies the store; with `?head=…`, also that it still contains everything that this head vouches for.
pub(super) async fn verify(
    caller: CaughtUp<CanAdminister>,
    pairs: Pairs,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let mut head = None;
    for (name, value) in pairs.iter() {
        let detail = match (name.as_str(), LinkHash::parse(value)) {
            ("head", Some(hash)) => {
                head = Some(hash);
                continue;
            }
            ("head", None) => "must be the 64 hexadecimal digits of an earlier verification".to_owned(),
            _ => "is not a parameter; the only parameter is head".to_owned(),
        };
        return Err(Problem::faulty_field(format!("/{name}"), detail));
    }
    let keys = app.signing_key.iter().map(|key| key.public_key()).collect();
    let hub_secrets = app.intake.authentication.hub_secrets();
    let verdict = app.proof.verify(&Expected { head, keys, hub_secrets }).await?;
    app.audit.record_verification(caller.actor(), verdict.rows, &verdict.result(head)).await?;
    Ok(HttpResponse::Ok().json(verdict))
}
