//! One conformance suite for both databases: each test is written once and runs on SQLite and on Postgres, with a
//! database of its own.
//!
//! To add a test, write an `async fn` that takes a `&TestStore`, and name it in the `both!` of its file. What only one
//! database can do is named in `only!`.
//!
//! | File | Holds |
//! | --- | --- |
//! | `store` | a store of a test's own |
//! | `make` | notifications, submissions and ids in few words |
//! | `history` | random histories of messages, and what they have to come to |
//! | `append`, `unit` | what is appended is on disk, whole or not at all |
//! | `order`, `interleaving` | neither order, batches, repetition nor concurrency make a difference |
//! | `ties`, `disputes`, `recipients` | which message a notification belongs to, and to whom that went |
//! | `worst_off` | what several recipients make of their message |
//! | `list`, `filters`, `archive` | pages and filters |
//! | `snapshot` | a message read whole |
//! | `stats` | counts |
//! | `status_events` | the status events: what changed, in order |
//! | `repair` | imports, what is let out of quarantine, statuses read anew |
//! | `enqueue`, `claim`, `settle`, `dispatch` | the outbox, and what notifications say against it |
//! | `cancel`, `expire` | what is not sent after all |
//! | `outbox` | random courses of all of that, beside a model |
//! | `plans` | no statement of the outbox reads more than it has to |
//! | `chain`, `tampering` | what proves the rest, and what it finds |
//! | `audit_log`, `retention`, `erasure` | who did what, what is kept, and who is forgotten |
//! | `upgrade`, `schemas` | what an earlier version wrote |
//! | `migrating` | the schema changes while others write |
//! | `clocks` | clocks that are wrong |
//! | `files` | an SQLite file that is lost while it is open |
//! | `roles` | what each role of a Postgres server may do |
//! | `opening`, `durability` | what is opened, what is refused, and with which settings |

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

/// Makes `sqlite::name` and `postgres::name` of each test.
macro_rules! both {
    ($($name:ident),+ $(,)?) => {
        only!(sqlite in sqlite: $($name),+);
        only!(postgres in postgres: $($name),+);
    };
}

/// Makes tests for one of the two, in a module of the given name.
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
mod dispatch;
mod disputes;
mod durability;
mod enqueue;
mod erasure;
mod expire;
mod files;
mod filters;
mod history;
mod interleaving;
mod list;
mod make;
mod migrating;
mod opening;
mod order;
mod outbox;
mod plans;
mod recipients;
mod repair;
mod retention;
mod roles;
mod schemas;
mod settle;
mod snapshot;
mod stats;
mod status_events;
mod store;
mod tampering;
mod ties;
mod unit;
mod upgrade;
mod worst_off;
