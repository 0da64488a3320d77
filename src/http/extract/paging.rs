//! The parameters for a page of a list.

use std::future::{Ready, ready};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload};

use crate::{
    domain::{Cursor, Cutoffs, Filter, ListRequest, PageLimit},
    http::{
        extract::pairs::{Pairs, texts},
        problem::Problem,
    },
};

/// `cursor` and `limit` of a list that has pages but no filters.
pub(crate) struct Paging {
    /// Where the page begins.
    pub(crate) after: Option<Cursor>,
    /// How many items it has.
    pub(crate) limit: PageLimit,
}

impl Paging {
    fn parse(pairs: &Pairs) -> Result<Self, Problem> {
        let request = ListRequest::parse(texts(pairs), &Cutoffs::default()).map_err(Problem::faulty)?;
        if request.filter == Filter::default() {
            return Ok(Self { after: request.after, limit: request.limit });
        }
        Err(Problem::faulty_field("", "the only parameters of this list are limit and cursor"))
    }
}

impl FromRequest for Paging {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Pairs::extract(request).into_inner().and_then(|pairs| Self::parse(&pairs).map_err(Error::from)))
    }
}
