//! What receiptd is about, in pure code: no I/O, no clock, nothing of ours imported.
//!
//! | File | Holds |
//! | --- | --- |
//! | `ids` | correlation and transaction ids, fingerprints |
//! | `address` | a recipient in the one form in which recipients are compared |
//! | `number` | phone numbers, however they are written |
//! | `sign` | what single characters mean within a number |
//! | `channel` | the channels |
//! | `time` | an instant, in microseconds |
//! | `status` | where a message can stand, and which status outranks which |
//! | `notification` | one delivery notification |
//! | `standing` | the fold: notifications merged into the status of their message |
//! | `recipients` | what the standings of several recipients make of their message |
//! | `message` | a message as it is kept, and its dispatch |
//! | `status_event` | a change of its status, for those who follow the events |
//! | `timeline` | everything that happened to a message, with its effect and the reason for it |
//! | `inbound` | what comes to the notify URL and is no delivery notification |
//! | `arrival` | what is put on record when something arrives |
//! | `submission` | a message that somebody asks us to send |
//! | `json` | JSON in which no member is given twice |
//! | `filter`, `pattern` | which messages a list shows |
//! | `page` | where a page of a list begins, and what it holds |
//! | `overdue` | before which times messages are overdue |
//! | `stats` | by what messages are counted |
//! | `hash_chain` | the tamper-evident chain over what is stored |
//! | `row_change` | what a link says of one row |
//! | `audit_log` | who did what |
//! | `person` | somebody who is to be forgotten |
//! | `readings` | what a body says, in whatever encoding |

mod address;
mod arrival;
mod audit_log;
mod channel;
mod filter;
mod hash_chain;
mod ids;
mod inbound;
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
mod sign;
mod standing;
mod stats;
mod status;
mod status_event;
mod submission;
mod time;
mod timeline;

pub use address::{Address, AddressError, is_blank};
pub use arrival::Arrival;
pub use audit_log::{Actor, AuditAction, AuditEntry, AuditFilter, AuditRequest, PerformedAction};
pub use channel::Channel;
pub use filter::{Filter, ListRequest};
pub use hash_chain::{Checkpoint, Link, LinkHash, Writer};
pub use ids::{CorrelationId, Fingerprint, IdempotencyKey, TransactionId};
pub use inbound::{Archived, Inbound, Unreadable};
pub use json::{JsonError, read_json};
pub use message::{Dispatch, DispatchEvent, History, Message, Origin};
pub use notification::{Event, Notification, Reference, Source, StoredNotification, letters};
pub use overdue::Cutoffs;
pub use page::{Cursor, Page, PageLimit};
pub use pattern::Pattern;
pub use person::{ERASED, ERASED_BODY, Person};
pub use readings::is_compressed;
pub use recipients::{Outcome, RecipientKey, RecipientStatus, by_recipient, outcome, standings, worst_off};
pub use row_change::{ChainedTable, ChangeKind, RowChange, RowKey};
pub use standing::{Precedence, Standing};
pub use stats::{Dimension, StatsRequest, StatsRow};
pub use status::{Failure, Rank, Status};
pub use status_event::{EventPosition, InvalidEventPosition, StatusEvent};
pub use submission::{Content, Draft, FieldError, Object, PASSTHROUGH, Recipient, Submission, is_member};
pub use time::Timestamp;
pub use timeline::{Effect, Entry, EntryKind, timeline};
