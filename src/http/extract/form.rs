//! What the forms of pages send.

use std::borrow::Cow;

use actix_web::{
    HttpRequest,
    web::{Bytes, Payload},
};
use url::form_urlencoded;

use super::body;
use crate::http::problem::Problem;

/// The fields of a form.
pub(crate) struct Form(Bytes);

impl Form {
    /// Reads the body of a request.
    pub(crate) async fn read(head: &HttpRequest, payload: Payload) -> Result<Self, Problem> {
        body::small(head, payload).await.map(Self)
    }

    /// Names and values, in their order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(&self.0)
    }

    /// The value of the first field with this name.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        self.fields().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}
