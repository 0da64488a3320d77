//! Everything that each database supplies. Only this file looks out of `sql/`. If a database lacks one of these, the error
//! is here.

use super::super as database;

/// Those of the messages that are attested.
pub(super) use database::attestations::attested_messages;
/// Lets no other unit of work change messages until this one ends.
pub(super) use database::attestations::exclude_changes;

/// What ends a unit of work.
pub(super) use database::backend::COMMIT;
/// Where a connection returns after a unit of work: to its pool by default.
pub(super) use database::backend::Home;
/// What a projection means for other commits.
pub(super) use database::backend::PROJECTION_PLAN;
/// The connections of an open store, of which `read` and `write` are known here.
pub(super) use database::backend::Pools;
/// Fails if the files of the database are gone. Very cheap.
pub(super) use database::backend::check_files;
/// Closes all connections, each as soon as its work is done.
pub(super) use database::backend::close;
/// Finds out why a pool has no free connection, and logs it.
pub(super) use database::backend::explain_timeout;
/// Lets other processes write before the next unit of work of a long maintenance.
pub(super) use database::backend::give_way;
/// Takes a connection that writes.
pub(super) use database::backend::take_writer;
/// The statements that begin a unit of work, and one that reads a snapshot.
pub(super) use database::backend::{BEGIN, BEGIN_SNAPSHOT};
/// A connection, and the kind of database for the builders of sqlx.
pub(super) use database::backend::{Connection, Database};

/// A counter that differs from the number of messages.
pub(super) use database::contradictions::miscounted;
/// A number of a status event that is missing, or that was never given out.
pub(super) use database::contradictions::misnumbered_event;
/// A change of a message that was not counted.
pub(super) use database::contradictions::unfinished_changes;

/// The clause with which a statement names its index, if there is one.
pub(super) use database::list::INDEXED_BY;

/// Some blocks of contents of notifications.
pub(super) use database::notifications::blocks;
/// Inserts blocks, and returns their ids in the same order.
pub(super) use database::notifications::insert_blocks;
/// The latest block, unless another unit of work holds it.
pub(super) use database::notifications::latest_block;
/// The notifications of some messages, by key, without their contents.
pub(super) use database::notifications::slots_of;

/// Leases submissions that are due.
pub(super) use database::outbox::claim::lease;
/// Inserts new messages, and returns which ones are new.
pub(super) use database::outbox::enqueue::insert_messages;
/// Inserts new messages into the outbox.
pub(super) use database::outbox::enqueue::insert_outbox;
/// The earlier requests with these ids, by id.
pub(super) use database::outbox::enqueue::requests;
/// Ends attempts, and returns which ones no longer existed, or had ended before.
pub(super) use database::outbox::settle::end_attempts;
/// Closes submissions, so that they neither wait nor are leased.
pub(super) use database::outbox::steps::close_submissions;
/// Locks messages, and returns those that a notification shows at the platform, or that were cancelled or have expired.
pub(super) use database::outbox::steps::hold;
/// Inserts steps, and returns them as they are stored.
pub(super) use database::outbox::steps::insert_steps;
/// Sets the status of messages to the state of our dispatch, unless a notification reports more.
pub(super) use database::outbox::steps::move_messages;
/// Ends leases that are over.
pub(super) use database::outbox::sweep::end_leases;
/// Ends waiting submissions that have expired.
pub(super) use database::outbox::sweep::end_waiting;

/// Merges notifications into the messages, with one row for each message.
pub(super) use database::recipients::merge_messages;
/// Merges notifications into the standings of their recipients.
pub(super) use database::recipients::merge_recipients;
/// Stores recipients other than that of the message.
pub(super) use database::recipients::note_recipients;
/// Those of the messages whose notifications name several recipients.
pub(super) use database::recipients::shared_messages;

/// The status columns of some messages.
pub(super) use database::recompute::message_statuses;
/// The recipients of messages that follow from stored rows.
pub(super) use database::recompute::recipients_of;

/// Locks messages and their notifications until the transaction ends.
pub(super) use database::repair::lock_messages;

/// Removes purged data from the write-ahead log. Returns whether this succeeded.
pub(super) use database::retention::clear_log;
/// Removes the bytes of purged data from the file. Returns whether this was done or is not necessary.
pub(super) use database::retention::rewrite_file;

/// The number up to which no status event can be added any more, and the last number of all.
pub(super) use database::status_events::event_ends;
/// Adds the event that a message is replaced by another one.
pub(super) use database::status_events::note_replacement;

/// Stores which message owns each transaction, and returns the changes of ownership.
pub(super) use database::transactions::claim_transactions;

/// Inserts notifications. Those that exist already are counted and returned.
pub(super) use database::upsert::insert_notifications;
/// Those of some notifications that are stored already. They stay until the transaction ends.
pub(super) use database::upsert::known_notifications;
