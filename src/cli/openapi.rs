//! `receiptd openapi`

use super::output;
use crate::http::{Conditions, describe};

/// Prints the description for the default settings. A running server serves the one for its own settings at `/openapi.json`.
pub(super) fn run() -> anyhow::Result<()> {
    output::json(&describe(&Conditions::default()))
}
