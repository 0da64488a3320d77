//! The column `when` of the table: the condition that distinguishes the meanings of a code.

/// The texts that distinguish the meanings of a code, in addition to its channel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// The member `Description` of a notification.
    pub description: Option<&'a str>,
    /// The member `additionalInfo`.
    pub additional: Option<&'a str>,
}

/// The condition for a row to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum When {
    Always,
    Description(&'static str),
    Additional(&'static str),
}

impl When {
    pub(super) fn parse(cell: &'static str) -> Option<Self> {
        match cell.split_once(':') {
            None if cell == "-" => Some(Self::Always),
            Some(("description", patterns)) => Some(Self::Description(patterns)),
            Some(("additionalInfo", patterns)) => Some(Self::Additional(patterns)),
            _ => None,
        }
    }

    /// Whether the condition can hold for a notification with this description and unknown additional information.
    pub(super) fn may_hold(self, description: Option<&str>) -> bool {
        matches!(self, Self::Additional(_)) || self.holds(Said { description, additional: None })
    }

    /// The condition as the table has it.
    pub(super) fn in_words(self) -> Option<String> {
        match self {
            Self::Always => None,
            Self::Description(patterns) => Some(format!("description:{patterns}")),
            Self::Additional(patterns) => Some(format!("additionalInfo:{patterns}")),
        }
    }

    pub(super) fn holds(self, said: Said<'_>) -> bool {
        let (patterns, text) = match self {
            Self::Always => return true,
            Self::Description(patterns) => (patterns, said.description),
            Self::Additional(patterns) => (patterns, said.additional),
        };
        let text = plain(text.unwrap_or_default());
        patterns.split(',').any(|pattern| matches(&plain(pattern), &text))
    }
}

/// The compared characters of a text or a pattern.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric() || "|;*".contains(*c)).flat_map(char::to_lowercase).collect()
}

/// Whether the whole text matches the pattern, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    // The first match is the best: it leaves the longest rest for the other parts.
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_text_by_its_letters_and_digits() {
        let holds = |when, text| {
            let said = Said { additional: Some(text), ..Said::default() };
            When::parse(when).unwrap().holds(said)
        };
        for (pattern, text) in [
            ("additionalInfo:a_b", "A-B"),
            ("additionalInfo:x,ab", "a b"),
            ("additionalInfo:*no device*", "He has no device."),
            ("additionalInfo:a*c", "a b c"),
            ("additionalInfo:*|smtp;5*", "5.2.2|failed|smtp; 552 5.2.2"),
            ("additionalInfo:a**b*", "ab"),
        ] {
            assert!(holds(pattern, text), "{pattern}: {text}");
        }
        for (pattern, text) in [
            ("additionalInfo:ab", "abc"),
            ("additionalInfo:ab*", "xab"),
            ("additionalInfo:*ab", "abx"),
            ("additionalInfo:a*a", "a"),
            ("additionalInfo:*ab*b", "ab"),
            ("additionalInfo:*|smtp;5*", "4.4.7|failed|smtp; 421 5.0.0"),
            ("description:ab", "ab"),
        ] {
            assert!(!holds(pattern, text), "{pattern}: {text}");
        }
    }
}
