//! Who may call. A handler that takes a [`Caller`] is reached by nobody else.

use std::{future::Ready, marker::PhantomData};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web::Data};

use super::{
    problem::{Code, Problem},
    server::App,
};
use crate::{config::Scope, domain::Actor, notify::same};

/// A scope, as a type.
pub(super) trait Admission {
    const SCOPE: Scope;
}

/// May look things up.
pub(super) struct Read;

/// May send.
pub(super) struct Send;

/// May change what is on record.
pub(super) struct Admin;

impl Admission for Read {
    const SCOPE: Scope = Scope::Read;
}

impl Admission for Send {
    const SCOPE: Scope = Scope::Send;
}

impl Admission for Admin {
    const SCOPE: Scope = Scope::Admin;
}

/// Somebody whose token admits to `A`. Without any token in the settings, that is everybody who can connect.
pub(super) struct Caller<A> {
    actor: Actor,
    admitted: PhantomData<A>,
}

impl<A> Caller<A> {
    /// Who that is, for the trail.
    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }
}

impl<A: Admission> FromRequest for Caller<A> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(admit(request, A::SCOPE).map(|actor| Self { actor, admitted: PhantomData }))
    }
}

fn admit(request: &HttpRequest, scope: Scope) -> Result<Actor, Problem> {
    let Some(app) = request.app_data::<Data<App>>() else {
        return Err(Problem::new(Code::Unavailable, "the server is starting; try again"));
    };
    if app.tokens.is_empty() {
        return Ok(Actor::anonymous());
    }
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let shown = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(Problem::new(Code::Unauthorized, "send Authorization: Bearer <token>, one of api.tokens")),
    };
    // Every token is compared, so that the time does not tell which one was near.
    let matching = app.tokens.iter().filter(|token| same(&token.secret, shown)).collect::<Vec<_>>();
    match matching.first() {
        None => Err(Problem::new(Code::Unauthorized, "the token is none of api.tokens")),
        Some(token) if token.admits(scope) => Ok(Actor::named(&token.name)),
        Some(token) => {
            Err(Problem::new(Code::Forbidden, format!("the token {:?} lacks the scope {}", token.name, scope.as_str())))
        }
    }
}
