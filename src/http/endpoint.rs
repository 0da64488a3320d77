//! A path, what answers at it, and what it says to methods that it does not have.

use actix_web::{
    FromRequest, Handler, Responder, Route,
    http::Method,
    web::{self, ServiceConfig, resource},
};

use super::problem;

/// One path with its methods.
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    pub(super) routes: Vec<(Method, Route)>,
}

impl Endpoint {
    /// At `path`, with no method yet.
    pub(super) fn at(path: &'static str) -> Self {
        Self { path, routes: Vec::new() }
    }

    /// Requests of this method go to `handler`.
    pub(super) fn on<F, Args>(mut self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = web::method(method.clone()).to(handler);
        self.routes.push((method, route));
        self
    }

    /// Requests that read.
    pub(super) fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::GET, handler)
    }

    /// Requests that do something.
    pub(super) fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::POST, handler)
    }

    /// Puts it into the service. Other methods are told which there are.
    pub(super) fn register(self, service: &mut ServiceConfig) {
        let allowed = self.routes.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ");
        let refuse = move || {
            let refusal = problem::method_not_allowed(&allowed);
            async move { refusal }
        };
        let resource = resource(self.path).default_service(web::to(refuse));
        service.service(self.routes.into_iter().fold(resource, |resource, (_, route)| resource.route(route)));
    }
}
