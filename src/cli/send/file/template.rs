//! `--template-text`: a text with `{name}` for the column of this name, and `{{`, `}}` for braces.

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(String),
}

impl Template {
    /// Parses a template, or returns why it is not valid.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
            } else if brace == "}" {
                return Err("has a } without its {; write }} for a brace".to_owned());
            } else {
                let (name, after) = rest.split_once('}').ok_or("has a { without its }; write {{ for a brace")?;
                if name.trim().is_empty() || name.contains('{') {
                    return Err(format!("has {{{name}}}, but there is no such column; write {{{{ for a brace"));
                }
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Placeholder(name.trim().to_owned()));
                rest = after;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// The names of the placeholders.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Placeholder(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Replaces each placeholder by the `value` of its name. Returns the first name that has no value as an error.
    pub(super) fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Placeholder(name) => text.push_str(&value(name).ok_or(name.as_str())?),
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(template: &str) -> Result<String, String> {
        let template = Template::parse(template)?;
        let value = |name: &str| (name != "gone").then(|| format!("<{name}>"));
        template.fill(value).map_err(|name| format!("no {name}"))
    }

    #[test]
    fn placeholders_are_replaced_and_doubled_braces_are_braces() {
        for (template, text) in [
            ("Hello {name}", "Hello <name>"),
            ("{a}{ b }", "<a><b>"),
            ("{{name}} {{{name}}}", "{name} {<name>}"),
            ("", ""),
        ] {
            assert_eq!(filled(template), Ok(text.to_owned()), "{template}");
        }
        assert_eq!(filled("{gone}"), Err("no gone".to_owned()));
        for wrong in ["{", "}", "{}", "{ }", "{a", "a}", "{a{b}", "{{a}"] {
            assert!(filled(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[{}a ]{0,12}") {
            let _ = filled(&text);
        }

        #[test]
        fn any_text_can_be_written(text in ".*") {
            let escaped = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(filled(&escaped), Ok(text.clone()));
            let template = Template::parse("{it}").unwrap();
            prop_assert_eq!(template.fill(|_| Some(text.clone())), Ok(text.clone()));
        }
    }
}
