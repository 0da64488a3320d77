//! The dispatcher on a real store: fairness, rates, the stop if credentials are rejected, batches, expiry; and random
//! crashes and answers, after which the simulated platform reports how often it received each message.
//!
//! For more random runs: `RECEIPTD_TEST_PLAYS=50 cargo test --test sending`.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod batches;
mod breaker;
mod dispatch_loop;
mod model;
mod play;
mod stage;
