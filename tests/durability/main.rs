//! Acknowledged data is kept, and nothing is sent twice: the real program under load, killed at random moments together
//! with its database, and cut off from power.
//!
//! `cargo xtask torture` runs the same tests for longer.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "how much was tried belongs to the result")]

mod aftermath;
mod bodies;
mod kills;
mod ledger;
mod notifications;
mod power;
mod sends;

use rand::{SeedableRng, rngs::StdRng};

/// The number of repetitions: the value of the environment variable, or few.
fn length(variable: &str, few: u32) -> u32 {
    std::env::var(variable).ok().map_or(few, |text| text.parse().unwrap())
}

/// A new random seed each time: the timing of a kill cannot be repeated anyway.
fn chance() -> StdRng {
    StdRng::seed_from_u64(uuid::Uuid::new_v4().as_u64_pair().0)
}
