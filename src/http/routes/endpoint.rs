//! A path, what answers at it, and what it says to methods that it does not have.

use actix_web::{
    FromRequest, Handler, Responder, Route,
    http::Method,
    web::{self, ServiceConfig, resource},
};

use crate::http::problem;

/// One path with its methods.
pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    pub(crate) routes: Vec<(Method, Route)>,
}

impl Endpoint {
    /// At `path`, with no method yet.
    pub(crate) fn at(path: &'static str) -> Self {
        Self { path, routes: Vec::new() }
    }

    /// Requests of this method go to `handler`.
    pub(crate) fn on<F, Args>(mut self, method: Method, handler: F) -> Self
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
    pub(crate) fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::GET, handler)
    }

    /// Requests that do something.
    pub(crate) fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::POST, handler)
    }

    /// Puts it into the service. Other methods are told which there are.
    pub(crate) fn register(self, service: &mut ServiceConfig) {
        let allowed = self.routes.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ");
        let refuse = move || {
            let refusal = problem::method_not_allowed(&allowed);
            async move { refusal }
        };
        let resource = resource(self.path).default_service(web::to(refuse));
        service.service(self.routes.into_iter().fold(resource, |resource, (_, route)| resource.route(route)));
    }
}
