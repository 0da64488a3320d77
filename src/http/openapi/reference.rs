//! References within the document.

use serde_json::{Value, json};

/// The prefix of all schemas in the document.
pub(super) const SCHEMAS: &str = "#/components/schemas/";

/// Returns a reference to a schema.
pub(super) fn schema(name: &str) -> Value {
    json!({ "$ref": format!("{SCHEMAS}{name}") })
}

/// Returns a reference to a header.
pub(super) fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}
