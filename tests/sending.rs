//! The dispatcher on a real store: fairness, rates, the stop where credentials are refused, batches, expiry; and plays
//! of random crashes and answers, after which the simulated platform tells how often it was sent each message.
//!
//! More plays: `RECEIPTD_TEST_PLAYS=50 cargo test --test sending`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

#[path = "api/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "tests/api uses all of it")]
mod harness;
#[path = "support/postgres.rs"]
mod postgres;

/// Makes `name::sqlite` and `name::postgres` of each test.
macro_rules! both {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn sqlite() {
                crate::harness::database::on_sqlite(async |database| super::$name(database).await);
            }

            #[test]
            fn postgres() {
                crate::harness::database::on_postgres(async |database| super::$name(database).await);
            }
        })+
    };
}

#[path = "sending/batches.rs"]
mod batches;
#[path = "sending/breaker.rs"]
mod breaker;
#[path = "sending/course.rs"]
mod course;
#[path = "sending/model.rs"]
mod model;
#[path = "sending/play.rs"]
mod play;
#[path = "sending/stage.rs"]
mod stage;
