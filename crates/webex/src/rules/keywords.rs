//! Our own keywords, for limits that JSON Schema cannot express.
//!
//! | Keyword | Applies to | Limit |
//! | --- | --- | --- |
//! | `x-maxBytes` | a string: its UTF-8; anything else: its JSON, written without blanks | maximum number of bytes |
//! | `x-maxNumber` | a string of digits | the maximum of the number |
//! | `x-maxRows` | the sections of a list | maximum number of `rows` in all sections |
//!
//! `x-detail` is not a rule. It is the error text for the rules beside it.

use jsonschema::{Keyword, ValidationError, ValidationOptions};
use serde_json::Value;

/// The measured size of a value. `None` if the keyword does not apply to it.
type Measure = fn(&Value) -> Option<u64>;
/// The error text, from the measured size and the limit.
type Sentence = fn(u64, u64) -> String;

/// A keyword in a schema, with its limit.
struct Limit {
    measure: Measure,
    sentence: Sentence,
    most: u64,
}

const KEYWORDS: [(&str, Measure, Sentence); 3] = [
    ("x-maxBytes", bytes, |bytes, most| format!("has {bytes} bytes; the platform accepts at most {most}")),
    ("x-maxNumber", number, |_, most| format!("must be at most {most}")),
    ("x-maxRows", rows, |rows, most| format!("has {rows} rows in all; the platform accepts at most {most}")),
];

/// Registers the keywords.
pub(super) fn add(options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    KEYWORDS.into_iter().fold(options, |options, (name, measure, sentence)| {
        options.with_keyword(name, move |_, most, _| match most.as_u64() {
            Some(most) => Ok(Box::new(Limit { measure, sentence, most }) as Box<dyn for<'i> Keyword<'i>>),
            None => Err(ValidationError::custom("the limit must be a whole number")),
        })
    })
}

impl<'i> Keyword<'i> for Limit {
    fn validate(&self, value: &'i Value) -> Result<(), ValidationError<'i>> {
        match (self.measure)(value) {
            Some(size) if size > self.most => Err(ValidationError::custom((self.sentence)(size, self.most))),
            _ => Ok(()),
        }
    }

    fn is_valid(&self, value: &'i Value) -> bool {
        (self.measure)(value).is_none_or(|size| size <= self.most)
    }
}

fn bytes(value: &Value) -> Option<u64> {
    let length = value.as_str().map_or_else(|| value.to_string().len(), str::len);
    u64::try_from(length).ok()
}

fn number(value: &Value) -> Option<u64> {
    let digits = value.as_str().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))?;
    // A number that does not fit is greater than any limit.
    Some(digits.parse().unwrap_or(u64::MAX))
}

fn rows(sections: &Value) -> Option<u64> {
    let rows = |section: &Value| section.get("rows").and_then(Value::as_array).map_or(0, Vec::len);
    u64::try_from(sections.as_array()?.iter().map(rows).sum::<usize>()).ok()
}
