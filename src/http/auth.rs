//! Who may call. A handler that takes a [`Caller`] is reached by nobody else.

use std::{
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{
    FromRequest, HttpRequest, dev,
    http::header::AUTHORIZATION,
    web::{Data, Payload},
};

use super::{
    auth_throttle,
    problem::{Code, Problem},
    server::App,
};
use crate::{config::Scope, domain::Actor, notify::same};

/// A scope, as a type.
pub(super) trait Permission {
    const SCOPE: Scope;
}

/// May look things up.
pub(super) struct CanRead;

/// May send.
pub(super) struct CanSend;

/// May read the metrics.
pub(super) struct CanReadMetrics;

/// May change what is on record.
pub(super) struct CanAdminister;

impl Permission for CanRead {
    const SCOPE: Scope = Scope::Read;
}

impl Permission for CanSend {
    const SCOPE: Scope = Scope::Send;
}

impl Permission for CanReadMetrics {
    const SCOPE: Scope = Scope::Metrics;
}

impl Permission for CanAdminister {
    const SCOPE: Scope = Scope::Admin;
}

/// Somebody whose token admits to `A`. Without any token in the settings, that is everybody who can connect.
pub(super) struct Caller<A> {
    actor: Actor,
    is_admin: bool,
    admitted: PhantomData<A>,
}

impl<A> Caller<A> {
    /// Who that is, for the audit log.
    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Refuses those whose token does not admit to administration as well.
    pub(super) fn must_administer(&self) -> Result<(), Problem> {
        if self.is_admin { Ok(()) } else { Err(lacks(self.actor.as_str(), Scope::Admin)) }
    }
}

impl<A: Permission> FromRequest for Caller<A> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let admitted = admit(request, A::SCOPE);
        let admitted = admitted.map(|(actor, is_admin)| Self { actor, is_admin, admitted: PhantomData });
        // Nothing of the body of a request that is refused is read.
        ready(admitted.map_err(|problem| match Payload::from_request(request, payload).into_inner() {
            Ok(rest) => problem.closing(rest),
            Err(_) => problem,
        }))
    }
}

/// Who that is, and whether they may administer.
fn admit(request: &HttpRequest, scope: Scope) -> Result<(Actor, bool), Problem> {
    let Some(app) = request.app_data::<Data<App>>() else {
        return Err(Problem::new(Code::Unavailable, "the server is starting; try again"));
    };
    let Some(tokens) = &app.tokens else { return Ok((Actor::anonymous(), true)) };
    let tokens = tokens.current();
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let shown = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(unauthorized(app, "send Authorization: Bearer <token>, one of api.tokens")),
    };
    auth_throttle::check(request, shown)?;
    // Every token is compared, so that the time does not tell which one was near.
    let matching: Vec<bool> = tokens.iter().map(|token| same(&token.secret, shown)).collect();
    let Some(at) = matching.iter().position(|matches| *matches) else {
        auth_throttle::record_failure(request, shown);
        return Err(unauthorized(app, "the token is none of api.tokens"));
    };
    auth_throttle::record_success(request, shown);
    let (before, token) = (&tokens[..at], &tokens[at]);
    app.metrics.admitted(&token.name, before.iter().filter(|other| other.name == token.name).count());
    if token.admits(scope) {
        Ok((Actor::named(&token.name), token.admits(Scope::Admin)))
    } else {
        Err(lacks(&token.name, scope))
    }
}

fn lacks(name: &str, scope: Scope) -> Problem {
    Problem::new(Code::Forbidden, format!("the token {name:?} lacks the scope {}", scope.as_str()))
}

fn unauthorized(app: &App, detail: &str) -> Problem {
    app.metrics.unauthorized();
    Problem::new(Code::Unauthorized, detail)
}
