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
    /// Whether requests with other methods belong to a later endpoint, whose path matches too.
    leaves_others: bool,
}

impl Endpoint {
    /// Creates an endpoint at `path` without any method.
    pub(crate) fn at(path: &'static str) -> Self {
        Self { path, routes: Vec::new(), leaves_others: false }
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

    /// Leaves requests with other methods to a later endpoint, whose path matches too.
    pub(crate) fn leaving_others(self) -> Self {
        Self { leaves_others: true, ..self }
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
        if self.leaves_others {
            let methods: Vec<_> = self.routes.iter().map(|(method, _)| method.clone()).collect();
            resource = resource.guard(guard::fn_guard(move |request| methods.contains(&request.head().method)));
        }
        self.routes.into_iter().fold(resource, |resource, (_, route)| resource.route(route))
    }
}
