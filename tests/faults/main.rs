//! Failures of the environment while the program works: a full disk, reads and writes that fail, a database that is
//! locked, stopped, missing or disconnected. The rules are always the same:
//!
//! - A post of a notification is answered within 9 s, with 200 or with 503 and `Retry-After`.
//! - Everything that was answered with 200 is stored once, and nothing is corrupt.
//! - `/health/ready` reports that nothing can be stored, and the process needs no more memory.
//! - When the failure ends, the program continues by itself, without a restart, and nothing is sent twice.
//!
//! For failures that last as long as in reality: `RECEIPTD_TEST_OUTAGE_SECONDS=60 cargo test --test faults`.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "how much was tried belongs to the result")]

mod away;
mod cut;
mod dispatch;
mod full;
mod load;
mod locked;
mod outage;
mod proxy;
mod shim;
mod small_disk;
mod start;
mod write_errors;
