//! The audit log, which says who did what, and the proof that the stored notifications and dispatch steps are unaltered.
//!
//! | File | Holds |
//! | --- | --- |
//! | `log` | who did what |
//! | `proof` | proves the store against its hash chain |
//! | `digest` | the first look: whether everything is as the chain says |
//! | `search` | the second look, where it is not: which row |
//!
//! To record an action of another kind, add a word to `domain::AuditAction`. If the action changes data, put its entry into
//! the commit that changes it, as a purge does. Otherwise call [`AuditWriter::record`] after the action, before it is reported
//! as done.

mod digest;
mod log;
mod proof;
mod search;

pub use log::{AuditEntryView, AuditUnavailable, AuditView, AuditWriter, PendingEntry, entry};
pub use proof::{Finding, Proof, Verdict};
