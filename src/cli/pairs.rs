//! The parameters of a request, with their names in the API.

pub(super) type Pairs = [(&'static str, String)];

/// The parameters that are given.
pub(super) fn given(pairs: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Vec<(&'static str, String)> {
    pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The parameters as the parsers of `domain` take them.
pub(super) fn texts(pairs: &Pairs) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_str()))
}
