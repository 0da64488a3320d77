//! The message that a path names.

use std::future::{Ready, ready};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, web::Path};

use crate::{domain::CorrelationId, http::problem::Problem};

/// The correlation id in the path. If the path contains no valid id, the answer is that there is no such message.
pub(crate) struct MessageId(pub(crate) CorrelationId);

impl FromRequest for MessageId {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = |text: Path<String>| {
            CorrelationId::new(&text).map(Self).map_err(|_| Problem::no_such_message(&text).into())
        };
        ready(Path::extract(request).into_inner().and_then(id))
    }
}
