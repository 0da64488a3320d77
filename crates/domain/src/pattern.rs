//! A text to search for: a whole text or a prefix.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The text must be equal.
    Exact(String),
    /// The text must begin with this prefix.
    Prefix(String),
}

impl Pattern {
    /// Reads a pattern. A text that ends in `*` is a prefix. No other character has a special meaning. Returns `None`
    /// for an empty text, since no stored text is empty. NUL is replaced as in all stored text.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.replace('\0', "\u{FFFD}");
        match text.strip_suffix('*') {
            Some(prefix) => Some(Self::Prefix(prefix.to_owned())),
            None => (!text.is_empty()).then_some(Self::Exact(text)),
        }
    }

    /// Whether the text matches.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(wanted) => text == wanted,
            Self::Prefix(prefix) => text.starts_with(prefix),
        }
    }

    /// The smallest text that is greater than all texts with this prefix, in the order of their bytes. Both databases
    /// compare in this order. So a prefix is a range, and needs no wildcards that would have to be escaped. `None` if
    /// there is no such text.
    pub fn end(prefix: &str) -> Option<String> {
        let mut end = prefix.to_owned();
        while let Some(last) = end.pop() {
            // The bytes of UTF-8 are in the order of the characters. There are no characters between U+D7FF and U+E000.
            let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
            if let Some(next) = next {
                end.push(next);
                return Some(end);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_at_the_end_is_the_only_wildcard() {
        assert_eq!(Pattern::read("order-7"), Some(Pattern::Exact("order-7".to_owned())));
        assert_eq!(Pattern::read("order-*"), Some(Pattern::Prefix("order-".to_owned())));
        assert_eq!(Pattern::read("a*b%_?["), Some(Pattern::Exact("a*b%_?[".to_owned())));
        assert_eq!(Pattern::read("**"), Some(Pattern::Prefix("*".to_owned())));
        assert_eq!(Pattern::read("*"), Some(Pattern::Prefix(String::new())));
        assert_eq!(Pattern::read(""), None);
    }

    #[test]
    fn the_end_of_a_prefix_is_right_at_the_limits_of_unicode() {
        assert_eq!(Pattern::end("a").as_deref(), Some("b"));
        assert_eq!(Pattern::end("a\u{7f}").as_deref(), Some("a\u{80}"));
        assert_eq!(Pattern::end("a\u{D7FF}").as_deref(), Some("a\u{E000}"));
        assert_eq!(Pattern::end("a\u{10FFFF}\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(Pattern::end("\u{10FFFF}"), None);
        assert_eq!(Pattern::end(""), None);
    }

    fn near_the_ends() -> impl Strategy<Value = String> {
        let odd = prop_oneof![Just('a'), Just('b'), Just('\u{D7FF}'), Just('\u{E000}'), Just('\u{10FFFF}')];
        proptest::collection::vec(odd, 0..4).prop_map(|characters| characters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_range_of_a_prefix_contains_exactly_its_texts(prefix in near_the_ends(), text in near_the_ends()) {
            let within = text >= prefix && Pattern::end(&prefix).is_none_or(|end| text < end);
            prop_assert_eq!(within, text.starts_with(&prefix));
        }
    }
}
