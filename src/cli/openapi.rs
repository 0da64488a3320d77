//! `receiptd openapi`

use super::output;
use crate::http::{Conditions, describe};

/// A running server tells at `/openapi.json` what its settings make of it.
pub(super) fn run() -> anyhow::Result<()> {
    output::json(&describe(&Conditions::default()))
}
