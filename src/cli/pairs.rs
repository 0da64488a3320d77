//! The parameters of a request, by the names that the API has for them.

/// Names and values.
pub(super) type Pairs = [(&'static str, String)];

/// Those that are given.
pub(super) fn given(pairs: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Vec<(&'static str, String)> {
    pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The same, as the parsers of `domain` take them.
pub(super) fn texts(pairs: &Pairs) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_str()))
}
