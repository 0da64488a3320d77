//! What a store can do: a trait a file, each with the plain types of its methods.
//!
//! Each method is one unit of work: it happens completely or not at all. To add a method, write it here and in the file of
//! the same name in `sql/`. If it must have a time limit, add it to `timeout.rs` too.

mod audit_log;
mod consistency;
mod erasure;
mod glance;
mod hash_chain;
mod health;
mod inbound;
mod journal;
mod keys;
mod messages;
mod outbox;
mod projection;
mod quarantine;
mod repair;
mod retention;
mod saved_views;
mod sessions;
mod status_events;
mod submissions;

pub use audit_log::AuditLog;
pub use consistency::{CheckedMessages, Consistency, Inconsistency, TimesClaim};
pub use erasure::{ArchiveErased, ArchiveKind, Erased, Erasure, Scanned};
pub use glance::Glance;
pub use hash_chain::{ChainVisitor, ChainedRow, HashChain, WaitingBatch};
pub use health::Health;
pub use inbound::InboundStore;
pub use journal::Journal;
pub use keys::{KEY_BYTES, Keys};
pub use messages::Messages;
pub use outbox::{Cancellation, Claim, EnqueueResult, Outbox, OutboxEntry, RequestKey, Settlement};
pub use projection::{JournalHead, Projection};
pub use quarantine::Quarantine;
pub use repair::{BodyParser, QuarantineReader, Recomputed, Repair};
pub use retention::{Purged, Retention, RetentionKind};
pub use saved_views::SavedViews;
pub use sessions::Sessions;
pub use status_events::StatusEvents;
pub use submissions::Submissions;
