//! Sends what a message said as a new message.

use serde_json::{Value, json};

use crate::domain::{CorrelationId, Submission};

/// The members that belong to the first message: its id, and times that have passed.
const OF_THE_FIRST: [&str; 3] = ["correlationId", "sendAt", "expireAt"];

/// The request to send the same as a new message with this id.
pub fn request_again(first: &Submission, id: &CorrelationId) -> Value {
    let mut request = first.to_json();
    if let Value::Object(members) = &mut request {
        members.retain(|name, _| !OF_THE_FIRST.contains(&name.as_str()));
    }
    request["correlationId"] = json!(id.as_str());
    request
}
