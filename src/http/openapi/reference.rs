//! References within the document.

use serde_json::{Value, json};

/// Where schemas stand in the document.
pub(super) const SCHEMAS: &str = "#/components/schemas/";

/// To a schema.
pub(super) fn schema(name: &str) -> Value {
    json!({ "$ref": format!("{SCHEMAS}{name}") })
}

/// To a header.
pub(super) fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}
