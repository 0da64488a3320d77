//! Authentication and scopes. A handler that takes a [`Caller`] runs only for callers with its scope.

mod accounts;
pub(crate) mod throttle;

use std::{
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web::Data};

use crate::{
    config::Scope,
    domain::Actor,
    http::{
        problem::{Code, Problem},
        state::App,
    },
    notify::same,
};

/// A scope, as a type.
pub(crate) trait Permission {
    const SCOPE: Scope;
}

/// Permission to read.
pub(crate) struct CanRead;

/// Permission to send.
pub(crate) struct CanSend;

/// Permission to read the metrics.
pub(crate) struct CanReadMetrics;

/// Permission to administer: to change what is stored.
pub(crate) struct CanAdminister;

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

/// A caller whose token has the scope of `A`. Without any token in the settings, every client is one.
pub(crate) struct Caller<A> {
    actor: Actor,
    is_admin: bool,
    admitted: PhantomData<A>,
}

impl<A> Caller<A> {
    /// The name of the caller, for the audit log.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Refuses callers whose token does not have the scope `admin` as well.
    pub(crate) fn must_administer(&self) -> Result<(), Problem> {
        if self.is_admin { Ok(()) } else { Err(lacks(self.actor.as_str(), Scope::Admin)) }
    }
}

impl<A: Permission> FromRequest for Caller<A> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let admitted = admit(request, A::SCOPE);
        let admitted = admitted.map(|(actor, is_admin)| Self { actor, is_admin, admitted: PhantomData });
        ready(admitted.map_err(|problem| problem.leaving_body(request, payload)))
    }
}

/// Returns who the caller is, and whether it has the scope `admin`.
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
    throttle::check(request, shown)?;
    // Every token is compared, so that the time does not reveal which one was close.
    let matching: Vec<bool> = tokens.iter().map(|token| same(&token.secret, shown)).collect();
    let Some(at) = matching.iter().position(|matches| *matches) else {
        throttle::record_failure(request, shown);
        return Err(unauthorized(app, "the token is not one of api.tokens"));
    };
    throttle::record_success(request, shown);
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
