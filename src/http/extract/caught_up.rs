//! A caller who sees everything that was acknowledged before its request.

use std::{ops::Deref, time::Duration};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web::Data};
use futures_util::future::LocalBoxFuture;

use super::auth::{Caller, Permission};
use crate::{
    config::Scope,
    http::{
        problem::{Code, Problem},
        state::{App, Behind},
    },
};

/// A [`Caller`] for whose request the projection has caught up with the journal. If that takes too long, the handler works
/// with what is there, and the answer has the header of [`Behind`]. Administrators, who change or verify the store as a
/// whole, are asked to try again instead.
pub(crate) struct CaughtUp<A> {
    caller: Caller<A>,
    behind: Option<Duration>,
}

impl<A> CaughtUp<A> {
    /// By how much the projection is behind; `None` if it has caught up.
    pub(crate) fn behind(&self) -> Option<Duration> {
        self.behind
    }
}

impl<A> Deref for CaughtUp<A> {
    type Target = Caller<A>;

    fn deref(&self) -> &Caller<A> {
        &self.caller
    }
}

impl<A: Permission + 'static> FromRequest for CaughtUp<A> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload).into_inner();
        let (request, app) = (request.clone(), request.app_data::<Data<App>>().cloned());
        Box::pin(async move {
            let caller = caller?;
            let Some(app) = app else { return Ok(Self { caller, behind: None }) };
            let behind = app.catch_up.wait().await?;
            if let Some(behind) = behind {
                app.metrics.answered_behind();
                if A::SCOPE == Scope::Admin {
                    let detail = format!("the store is {} s behind what it has accepted", behind.as_secs());
                    return Err(Problem::new(Code::Unavailable, detail));
                }
                request.extensions_mut().insert(Behind(behind));
            }
            Ok(Self { caller, behind })
        })
    }
}
