//! The parameters of a request.

use actix_web::web::Query;

/// Names and values, in the order in which they came.
pub(crate) type Pairs = Query<Vec<(String, String)>>;

/// The same, as those read them who know what they mean.
pub(crate) fn texts(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}
