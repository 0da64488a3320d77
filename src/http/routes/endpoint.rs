//! A path with its handlers, and its answer to methods that it does not support.

use actix_web::{
    FromRequest, Handler, Resource, Responder, Route, guard,
    http::Method,
    web::{self, ServiceConfig, resource},
};

use crate::http::problem;

/// One path with its methods.
pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    pub(crate) routes: Vec<(Method, Route)>,
    /// Requests with this method belong to a later endpoint, whose path matches too.
    left: Option<Method>,
}

impl Endpoint {
    /// Creates an endpoint at `path` without any method.
    pub(crate) fn at(path: &'static str) -> Self {
        Self { path, routes: Vec::new(), left: None }
    }

    /// Routes requests with this method to `handler`.
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

    /// Routes `GET` requests, which read.
    pub(crate) fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::GET, handler)
    }

    /// Routes `POST` requests, which change something.
    pub(crate) fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::POST, handler)
    }

    /// Leaves requests with a method that it does not support to a later endpoint, whose path matches too.
    pub(crate) fn leaving(self, method: Method) -> Self {
        let is_supported = self.routes.iter().any(|(supported, _)| *supported == method);
        Self { left: (!is_supported).then_some(method), ..self }
    }

    /// Adds the endpoint to the service.
    pub(crate) fn register(self, service: &mut ServiceConfig) {
        service.service(self.resource());
    }

    /// Returns the endpoint for the router. The answer to other methods names the supported ones.
    pub(crate) fn resource(self) -> Resource {
        let allowed = self.routes.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ");
        let refuse = move || {
            let refusal = problem::method_not_allowed(&allowed);
            async move { refusal }
        };
        let mut resource = resource(self.path).default_service(web::to(refuse));
        if let Some(left) = self.left {
            resource = resource.guard(guard::fn_guard(move |request| request.head().method != left));
        }
        self.routes.into_iter().fold(resource, |resource, (_, route)| resource.route(route))
    }
}
