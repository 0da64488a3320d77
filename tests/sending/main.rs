//! The dispatcher on a real store: fairness, rates, the stop where credentials are refused, batches, expiry; and plays
//! of random crashes and answers, after which the simulated platform tells how often it was sent each message.
//!
//! More plays: `RECEIPTD_TEST_PLAYS=50 cargo test --test sending`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod batches;
mod breaker;
mod dispatch_loop;
mod model;
mod play;
mod stage;
