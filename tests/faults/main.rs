//! What may go wrong under the program, while it is at work: a disk without room, reads and writes that fail, a database
//! that is locked, stopped, gone or cut off. The rules are always the same:
//!
//! - whoever posts a notification is answered within 9 s, with 200 or with 503 and `Retry-After`;
//! - what was answered with 200 is on record, once, and nothing is corrupt;
//! - `/health/ready` says that nothing can be stored, and the process needs no more memory for it;
//! - when the fault is over, all goes on by itself, without a restart, and nothing is sent twice.
//!
//! Faults that last as long as they do in life: `RECEIPTD_TEST_OUTAGE_SECONDS=60 cargo test --test faults`.

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
