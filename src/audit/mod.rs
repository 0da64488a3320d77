//! The audit log, which records who did what, and the proof that nothing that is stored was altered.
//!
//! | File | Holds |
//! | --- | --- |
//! | `log` | the audit log |
//! | `proof` | verifies the store against its hash chain |
//! | `digest` | the first pass: whether the rows match the chain |
//! | `journal` | whether batches of the journal are missing |
//! | `claims` | what only the links can show about messages |
//! | `signing` | keys that sign links |
//! | `signatures` | whether links are signed |
//! | `platform` | whether the platform has signed the bodies |
//! | `search` | the second pass, if they do not: which row differs |
//!
//! To record an action of another kind, add a word to `domain::AuditAction`. If the action changes data, add its entry
//! in the commit that changes it, as a purge does. Otherwise call [`AuditWriter::record`] after the action, before it
//! is reported as done, or [`AuditWriter::begin`] before an action that takes a while, such as an export.

mod claims;
mod digest;
mod journal;
mod log;
mod platform;
mod proof;
mod search;
mod signatures;
mod signing;

pub use log::{AuditEntryView, AuditUnavailable, AuditView, AuditWriter, PendingEntry, entry};
pub use platform::SignedBodies;
pub use proof::{Expected, Finding, Proof, Signed, Verdict};
pub use signing::{InvalidKey, PublicKey, SigningKey};
