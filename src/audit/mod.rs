//! The audit log, which records who did what, and the proof that the stored notifications and dispatch steps are
//! unaltered.
//!
//! | File | Holds |
//! | --- | --- |
//! | `log` | the audit log |
//! | `proof` | verifies the store against its hash chain |
//! | `digest` | the first pass: whether the rows match the chain |
//! | `search` | the second pass, if they do not: which row differs |
//!
//! To record an action of another kind, add a word to `domain::AuditAction`. If the action changes data, add its entry
//! in the commit that changes it, as a purge does. Otherwise call [`AuditWriter::record`] after the action, before it
//! is reported as done, or [`AuditWriter::begin`] before an action that takes a while, such as an export.

mod digest;
mod log;
mod proof;
mod search;

pub use log::{AuditEntryView, AuditUnavailable, AuditView, AuditWriter, PendingEntry, entry};
pub use proof::{Finding, Proof, Verdict};
