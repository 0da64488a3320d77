//! The documented limits and rules of every channel and message type. A message is checked before it is sent.
//!
//! The rules are data: `schema/` contains one JSON Schema (draft 2020-12) for each channel and API, over **our**
//! message object, and `common.json` with the definitions that several share. The parts of every message (sender,
//! recipient, times, the types of its members) are checked by `domain` and are not included. Each schema names the
//! pages from which its rules come.
//!
//! If the documents leave something open, it is allowed: members that they do not name, and limits on which they
//! disagree. For these, the larger limit applies. One exception is the text of an SMS by messaging v1: the page of that
//! API states 1,024, and only the general table of codes states 4,000.
//!
//! `maxLength` counts characters (Unicode scalar values), `x-maxBytes` counts bytes. `keywords` contains our own
//! keywords.
//!
//! To add a rule, add it to the schema and a case to the tests. Add an `x-detail` if the usual error text ("is
//! required", "has 61 characters; the platform accepts at most 60") does not say what to do. Distinguish cases with
//! `if` and `then`, never with `oneOf`, so that an error names the wrong member. To add a channel, add its schema and
//! its row in `SCHEMAS` of `schema`.
//!
//! The description of our API contains the same schemas, converted by `described`.

mod described;
mod keywords;
mod schema;
mod wording;

pub use described::{name, schemas};

use receiptd_domain::{Channel, FieldError};
use serde_json::{Map, Value};

use super::Api;

/// The documented rules that `message` violates when it is sent by `api` on `channel`. `message` has the form of our
/// API. The errors are sorted by their pointers, elements by their index. A member that is null counts as absent.
pub fn errors(api: Api, channel: &Channel, message: &Map<String, Value>) -> Vec<FieldError> {
    let Some(schema) = schema::of(api, channel) else {
        let detail = "is not a channel of the API that this message needs".to_owned();
        return vec![FieldError { pointer: "/channel".to_owned(), detail }];
    };
    let given = message.iter().filter(|(_, value)| !value.is_null());
    let given = Value::Object(given.map(|(name, value)| (name.clone(), value.clone())).collect());
    let mut errors = schema.errors(&given);
    errors.sort_by_cached_key(|error| (place(&error.pointer), error.detail.clone()));
    // Several rules may require the same.
    errors.dedup();
    errors
}

/// The sort key of a pointer: `/items/2` comes before `/items/10`.
fn place(pointer: &str) -> Vec<(Option<usize>, String)> {
    pointer.split('/').map(|name| (name.parse().ok(), name.to_owned())).collect()
}

#[cfg(test)]
mod tests;
