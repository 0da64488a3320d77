//! The documented limits and rules of every channel and message type, so that a message is checked before it leaves.
//!
//! The rules are data: `schema/` has one JSON Schema (draft 2020-12) for each channel and API, over **our** message
//! object, and `common.json` with what several have in common. What any message has (who, to whom, when, the forms of
//! its members) is checked by `domain` and is no part of them. Each schema names the pages that its rules come from.
//!
//! What the documents leave open is let through: members that they do not name, and limits on which they disagree, where
//! the larger one is taken. One exception: the text of an SMS by messaging v1, where the page of that very API has 1,024
//! and only the general table of codes has 4,000.
//!
//! `maxLength` counts characters (Unicode scalar values), `x-maxBytes` bytes; `keywords` has the keywords of our own.
//!
//! To add a rule, put it into the schema, with the sentence in `x-detail` if the usual one ("is required", "has 61
//! characters; the platform takes 60 at the most") does not say what to do, and a line into the tests. Cases are told
//! apart by `if` and `then`, never by `oneOf`, so that a fault points at the member that is wrong. To add a channel, add
//! its schema and its row in `SCHEMAS` of `schema`.
//!
//! The description of our API has the same schemas; `described` puts them into its words.

mod described;
mod keywords;
mod schema;
mod wording;

pub use described::{name, schemas};

use receiptd_domain::{Channel, FieldError};
use serde_json::{Map, Value};

use super::Api;

/// Every documented rule that `message`, which is in the form of our API, breaks when it goes by `api` on `channel`.
/// Empty if it breaks none. In the order of the pointers, elements by their number. A member that is null counts as absent.
pub fn faults(api: Api, channel: &Channel, message: &Map<String, Value>) -> Vec<FieldError> {
    let Some(schema) = schema::of(api, channel) else {
        let detail = "is not a channel of the API by which this message would go".to_owned();
        return vec![FieldError { pointer: "/channel".to_owned(), detail }];
    };
    let given = message.iter().filter(|(_, value)| !value.is_null());
    let given = Value::Object(given.map(|(name, value)| (name.clone(), value.clone())).collect());
    let mut faults = schema.faults(&given);
    faults.sort_by_cached_key(|fault| (place(&fault.pointer), fault.detail.clone()));
    // Several rules may demand the same.
    faults.dedup();
    faults
}

/// By which pointers are sorted: `/items/2` before `/items/10`.
fn place(pointer: &str) -> Vec<(Option<usize>, String)> {
    pointer.split('/').map(|name| (name.parse().ok(), name.to_owned())).collect()
}

#[cfg(test)]
mod tests;
