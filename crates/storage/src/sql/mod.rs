//! The traits in SQL. This folder is compiled once for each database, which provides the macros `sql!` and `sql_as!`, and
//! everything in `dialect.rs`.
//!
//! To add a statement, write it here with `sql!` or `sql_as!`. If the databases need different text, write a function in the
//! file of the same name in `sqlite/` and in `postgres/`, and add it to `dialect.rs`. If only the way differs in which the
//! rows of a batch are passed, the common text belongs in `statements.rs`.

mod adoption;
mod attestations;
mod audit_log;
mod backend;
mod blocks;
mod chained_rows;
mod consistency;
mod contradictions;
mod dialect;
mod erasure;
mod glance;
mod hash_chain;
mod health;
mod inbound;
mod journal;
mod keys;
mod list;
mod message_states;
mod messages;
mod notifications;
mod outbox;
mod paging;
mod projection;
mod quarantine;
mod recipients;
mod recompute;
mod repair;
mod retention;
mod saved_views;
mod seals;
mod sessions;
pub(super) mod statements;
mod stats;
mod status_events;
mod submissions;
mod transactions;
mod unit_of_work;
mod upsert;

pub(super) use backend::Backend;
