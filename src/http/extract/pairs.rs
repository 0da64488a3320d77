//! The parameters of a request.

use actix_web::web::Query;

/// Names and values, in the order of the request.
pub(crate) type Pairs = Query<Vec<(String, String)>>;

/// Returns the same as string slices, for the functions that parse them.
pub(crate) fn texts(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}
