//! The parameters of a request.

use actix_web::web::Query;

use crate::domain::PAGING;

/// Names and values, in the order of the request.
pub(crate) type Pairs = Query<Vec<(String, String)>>;

/// Returns the same as string slices, for the functions that parse them.
pub(crate) fn texts(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Returns those that have a value. A form sends its empty fields too.
pub(crate) fn filled(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    texts(pairs).filter(|(_, value)| !value.is_empty()).collect()
}

/// Returns those that are filters, without the place in the list.
pub(crate) fn filters_of<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    pairs.iter().copied().filter(|(name, _)| !PAGING.contains(name)).collect()
}
