//! What acts on all messages of a filter have in common. They work in small steps, and can be stopped after each.

use serde::Serialize;

use crate::domain::FieldError;

/// How far a preview counts.
pub const COUNTED: usize = 10_000;
/// How many messages a step takes.
pub(super) const STEP: u16 = 100;
/// How many of them are looked at together: fewer than there are connections.
pub(super) const AT_A_TIME: usize = 4;

/// An act on all messages that a filter admits.
pub trait BulkAct {
    /// What was done so far.
    type Progress: BulkProgress;
    /// Why it cannot go on.
    type Error;

    /// Takes the next messages, and returns what was done so far.
    fn step(&mut self) -> impl Future<Output = Result<Self::Progress, Self::Error>>;
}

/// What an act has done so far.
pub trait BulkProgress: Serialize {
    /// Whether nothing is left.
    fn is_finished(&self) -> bool;
}

/// The error that a filter admits only messages for which the act is impossible.
pub(super) fn impossible(name: &str, detail: &str) -> FieldError {
    FieldError { pointer: format!("/{name}"), detail: detail.to_owned() }
}
