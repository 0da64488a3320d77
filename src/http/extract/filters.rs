//! The filters of a request: parameters, or a view that contains them.

use std::ops::Deref;

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, web::Data};
use futures_util::future::LocalBoxFuture;

use crate::{
    http::{
        extract::pairs::Pairs,
        problem::{Code, Problem},
        state::App,
    },
    query::ViewError,
};

/// Names and values, in the order of the request. The names and values in a view stand in its place, so a filter that is given
/// beside the view and in it is given twice, which is an error.
pub(crate) struct Filters(Vec<(String, String)>);

impl Deref for Filters {
    type Target = [(String, String)];

    fn deref(&self) -> &[(String, String)] {
        &self.0
    }
}

impl FromRequest for Filters {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (pairs, app) = (Pairs::extract(request).into_inner(), request.app_data::<Data<App>>().cloned());
        Box::pin(async move {
            let pairs = pairs?.into_inner();
            match app {
                Some(app) => Ok(Self::of(pairs, &app).await?),
                None => Ok(Self(pairs)),
            }
        })
    }
}

impl Filters {
    /// Puts the filters of a view in its place.
    pub(crate) async fn of(pairs: Vec<(String, String)>, app: &App) -> Result<Self, Problem> {
        let mut expanded = Vec::new();
        let mut views = 0;
        for (name, value) in pairs {
            if name == "view" {
                views += 1;
                expanded.extend(app.sealed_filters.open(&value).await?);
            } else {
                expanded.push((name, value));
            }
        }
        if views > 1 {
            return Err(Problem::faulty_field("/view", "is given more than once"));
        }
        Ok(Self(expanded))
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Unreadable => Self::new(
                Code::InvalidView,
                "the view was changed on its way, or it belongs to another store; get a new one with POST /v1/messages/search",
            ),
            ViewError::Ended(at) => Self::new(
                Code::ViewEnded,
                format!("the view ended at {at}; get a new one with POST /v1/messages/search"),
            ),
            error @ ViewError::NoRandomness => {
                tracing::error!(error = crate::observe::causes(&error), "no view can be made");
                Self::new(Code::Unavailable, "no view can be made at the moment; try again")
            }
            ViewError::Storage(error) => error.into(),
        }
    }
}
