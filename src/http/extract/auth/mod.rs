//! Authentication and scopes. A handler that takes a [`Caller`] runs only for callers with its scope. Programs send an API
//! token, and browsers the cookie of a session.

mod accounts;
pub(crate) mod session;
pub(crate) mod throttle;

use std::{
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web::Data};

use session::Resumed;

use crate::{
    config::{ApiToken, Scope},
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

/// Who sends a request, and what that permits.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    actor: Actor,
    scopes: Vec<Scope>,
    /// Whether it is a person with a session, which can be ended.
    pub(crate) has_session: bool,
}

impl Identity {
    /// Any client of an API that requires no token.
    fn anyone() -> Self {
        Self { actor: Actor::anonymous(), scopes: Scope::ALL.to_vec(), has_session: false }
    }

    fn of(token: &ApiToken) -> Self {
        let scopes = Scope::ALL.into_iter().filter(|scope| token.admits(*scope)).collect();
        Self { actor: Actor::named(&token.name), scopes, has_session: false }
    }

    /// The name of the caller, for the audit log.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// All scopes of the caller.
    pub(crate) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Whether the caller has this scope.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// A caller who has the scope of `A`. Without any token in the settings, every client is one.
pub(crate) struct Caller<A> {
    identity: Identity,
    admitted: PhantomData<A>,
}

impl<A> Caller<A> {
    /// The name of the caller, for the audit log.
    pub(crate) fn actor(&self) -> &Actor {
        &self.identity.actor
    }

    /// Whether the caller has this scope as well.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.identity.may(scope)
    }

    /// Refuses callers who do not have this scope as well.
    pub(crate) fn must(&self, scope: Scope) -> Result<(), Problem> {
        if self.identity.may(scope) { Ok(()) } else { Err(lacks(self.actor(), scope)) }
    }
}

impl<A: Permission> FromRequest for Caller<A> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let admitted = admit(request, A::SCOPE).map(|identity| Self { identity, admitted: PhantomData });
        ready(admitted.map_err(|problem| problem.leaving_body(request, payload)))
    }
}

/// Returns who the caller is, if it has the scope. The request keeps it, for pages that show it.
fn admit(request: &HttpRequest, scope: Scope) -> Result<Identity, Problem> {
    let Some(app) = request.app_data::<Data<App>>() else {
        return Err(Problem::new(Code::Unavailable, "the server is starting; try again"));
    };
    let identity = identify(request, app)?;
    request.extensions_mut().insert(identity.clone());
    if identity.may(scope) { Ok(identity) } else { Err(lacks(&identity.actor, scope)) }
}

/// Returns who sends the request. The token counts, if there is one, and then the session.
fn identify(request: &HttpRequest, app: &App) -> Result<Identity, Problem> {
    let Some(tokens) = &app.tokens else { return Ok(Identity::anyone()) };
    if let Some(shown) = bearer(request) {
        throttle::check(request, shown)?;
        return recognize(request, app, &tokens.current(), shown).map(Identity::of);
    }
    let Some(resumed) = request.extensions_mut().remove::<Resumed>() else {
        return Err(unauthorized(app, "send Authorization: Bearer <token>, one of api.tokens"));
    };
    resumed.0
}

/// Returns the token that a program sends.
fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns the token that was shown.
fn recognize<'a>(
    request: &HttpRequest,
    app: &App,
    tokens: &'a [ApiToken],
    shown: &str,
) -> Result<&'a ApiToken, Problem> {
    // Every token is compared, so that the time does not reveal which one was close.
    let matching: Vec<bool> = tokens.iter().map(|token| same(&token.secret, shown)).collect();
    let Some(at) = matching.iter().position(|matches| *matches) else {
        throttle::record_failure(request, shown);
        return Err(unauthorized(app, "the token is not one of api.tokens"));
    };
    throttle::record_success(request, shown);
    Ok(counted(app, tokens, at))
}

/// Counts the use of a token.
fn counted<'a>(app: &App, tokens: &'a [ApiToken], at: usize) -> &'a ApiToken {
    let (before, token) = (&tokens[..at], &tokens[at]);
    app.metrics.admitted(&token.name, before.iter().filter(|other| other.name == token.name).count());
    token
}

fn lacks(actor: &Actor, scope: Scope) -> Problem {
    let detail = format!("the token {:?} lacks the scope {}", actor.as_str(), scope.as_str());
    Problem::new(Code::Forbidden, detail)
}

fn unauthorized(app: &App, detail: &str) -> Problem {
    app.metrics.unauthorized();
    Problem::new(Code::Unauthorized, detail)
}
