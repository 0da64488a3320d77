//! The terms and rules of receiptd as pure code. This package does no I/O, reads no clock and uses no other package of
//! the workspace.
//!
//! | File | Contents |
//! | --- | --- |
//! | `ids` | correlation and transaction ids, fingerprints |
//! | `address` | a recipient's address in the one form in which addresses are compared |
//! | `number` | phone numbers in all usual spellings |
//! | `sign` | the meaning of single characters within a number |
//! | `channel` | the channels |
//! | `time` | an instant, in microseconds |
//! | `status` | the statuses of a message, and which of them outranks which |
//! | `notification` | one delivery notification |
//! | `identity` | what distinguishes an event from the others of its message |
//! | `standing` | merges notifications into the status of their message |
//! | `recipients` | the status of a message with several recipients |
//! | `message` | a message as it is stored, and its dispatch |
//! | `status_event` | a change of a status, for clients that follow the events |
//! | `timeline` | everything that happened to a message, with its effect and the reason for it |
//! | `inbound` | requests to the notify URL that are not delivery notifications |
//! | `arrival` | what is stored when something arrives |
//! | `submission` | a message to send |
//! | `journal` | what arrived, in the order in which it was committed |
//! | `json` | JSON in which an object does not repeat a member |
//! | `filter`, `pattern` | the filters of a list |
//! | `page` | pages of a list and their cursors |
//! | `overdue` | the times before which messages are overdue |
//! | `stats` | counts of messages |
//! | `hash_chain` | the tamper-evident chain over the stored rows |
//! | `row_change` | the part of a link that describes one row |
//! | `audit_log` | the entries of the audit log: who did what |
//! | `verification` | the result of a verification, as the audit log records it |
//! | `person` | a person whose data is erased |
//! | `session` | a session of a person in a browser, and when it ends |
//! | `saved_view` | the filters of a list that a person saved under a name |
//! | `readings` | the texts in a body, in any encoding |

mod address;
mod arrival;
mod audit_log;
mod channel;
mod filter;
mod hash_chain;
mod identity;
mod ids;
mod inbound;
mod journal;
mod json;
mod message;
mod notification;
mod number;
mod overdue;
mod page;
mod pattern;
mod person;
mod readings;
mod recipients;
mod row_change;
mod saved_view;
mod session;
mod sign;
mod standing;
mod stats;
mod status;
mod status_event;
mod submission;
mod time;
mod timeline;
mod verification;

pub use address::{Address, AddressError, is_blank};
pub use arrival::{Arrival, BodySignature};
pub use audit_log::{Actor, AuditAction, AuditEntry, AuditFilter, AuditRequest, PerformedAction};
pub use channel::Channel;
pub use filter::{Filter, ListRequest};
pub use hash_chain::{Checkpoint, Link, LinkHash, LinkSignature, LinkSigner, PublicKeyId, Writer};
pub use identity::EventIdentity;
pub use ids::{CorrelationId, Fingerprint, IdempotencyKey, TransactionId};
pub use inbound::{Archived, Inbound, Unreadable};
pub use journal::{JournalBatch, JournalPosition, JournalRecord, JournalSpan, journal_digest, journal_payload};
pub use json::{JsonError, read_json};
pub use message::{Dispatch, DispatchEvent, History, Message, Origin};
pub use notification::{Event, Notification, Reference, Source, StoredNotification, letters};
pub use overdue::Cutoffs;
pub use page::{Cursor, PAGING, Page, PageLimit};
pub use pattern::Pattern;
pub use person::{ERASED, ERASED_BODY, Person};
pub use readings::is_compressed;
pub use recipients::{Outcome, RecipientKey, RecipientStatus, by_recipient, outcome, standings, worst_off};
pub use row_change::{ChainedTable, ChangeKind, RowChange, RowKey};
pub use saved_view::{SavedView, ViewId, ViewName, ViewedList};
pub use session::{Session, SessionKey, SessionLimits};
pub use standing::{Precedence, Standing};
pub use stats::{Dimension, StatsRequest, StatsRow};
pub use status::{Failure, Rank, Status};
pub use status_event::{EventPosition, InvalidEventPosition, StatusEvent};
pub use submission::{Content, Draft, FieldError, Object, PASSTHROUGH, Recipient, Submission, is_member};
pub use time::Timestamp;
pub use timeline::{Effect, Entry, EntryKind, timeline};
pub use verification::Verification;
