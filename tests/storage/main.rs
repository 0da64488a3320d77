//! A conformance suite for both databases: each test is written once and runs on SQLite and on Postgres, with its own
//! database.
//!
//! To add a test, write an `async fn` that takes a `&TestStore`, and name it in the `both!` of its file. Tests for only
//! one database are named in `only!`.
//!
//! | File | Contents |
//! | --- | --- |
//! | `store` | a store for a single test |
//! | `make` | short functions for notifications, submissions and ids |
//! | `history` | random histories of messages, and their expected results |
//! | `append`, `unit` | arrivals are stored completely or not at all |
//! | `order`, `interleaving` | order, batches, repetition and concurrency make no difference |
//! | `ties`, `disputes`, `recipients` | the message and the recipient that a notification belongs to |
//! | `worst_off` | the status of a message with several recipients |
//! | `list`, `filters`, `shelf` | pages and filters |
//! | `snapshot` | a message is read in one snapshot |
//! | `stats` | counts |
//! | `status_events` | status events, in order |
//! | `repair` | imports, released quarantine, recomputed statuses |
//! | `races` | maintenance beside maintenance and beside appends |
//! | `enqueue`, `claim`, `settle`, `dispatch` | the outbox, and its relation to notifications |
//! | `cancel`, `expire` | messages that are not sent after all |
//! | `outbox` | random actions on the outbox, compared with a model |
//! | `plans` | no statement of the outbox reads more than necessary |
//! | `chain`, `tampering`, `everything` | the hash chain, and the changes that it detects |
//! | `signatures` | signed links of the hash chain |
//! | `audit_log`, `retention`, `erasure` | audit log, purges and erased persons |
//! | `schemas` | data of earlier versions, and what a migration may change |
//! | `next`, `migrating` | the next version migrates a store, also while others use it |
//! | `keys` | the keys with which receiptd encrypts what it hands out |
//! | `clocks` | wrong clocks |
//! | `files` | an SQLite file that is lost while it is open |
//! | `roles` | the privileges of each role on Postgres |
//! | `opening`, `durability` | which databases are opened or refused, and with which settings |

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

/// Makes `sqlite::name` and `postgres::name` of each test.
macro_rules! both {
    ($($name:ident),+ $(,)?) => {
        only!(sqlite in sqlite: $($name),+);
        only!(postgres in postgres: $($name),+);
    };
}

/// Makes tests for only one of the databases, in a module with the given name.
macro_rules! only {
    ($database:ident in $module:ident: $($name:ident),+ $(,)?) => {
        mod $module {
            $(
                #[test]
                fn $name() {
                    crate::store::$database(async |store| super::$name(store).await);
                }
            )+
        }
    };
}

mod append;
mod archive;
mod audit_log;
mod cancel;
mod chain;
mod claim;
mod clocks;
mod contents;
mod dispatch;
mod disputes;
mod durability;
mod enqueue;
mod erasure;
mod everything;
mod expire;
mod files;
mod filters;
mod history;
mod interleaving;
mod journal;
mod keys;
mod list;
mod make;
mod migrating;
mod next;
mod opening;
mod order;
mod outbox;
mod plans;
mod races;
mod recipients;
mod repair;
mod retention;
mod roles;
mod saved_views;
mod schemas;
mod sessions;
mod settle;
mod signatures;
mod snapshot;
mod stats;
mod status_events;
mod store;
mod tampering;
mod ties;
mod unit;
mod worst_off;
