//! The HTTP interface, from outside: a server on a port and a database of each test's own, and requests to it.
//!
//! To add a test, write an `async fn` that takes a `&Database`, and name it in the `both!` (or `sqlite!`) of its file.
//! The files mirror `src/http`; what spans several endpoints has a file of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

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

/// Makes `name::sqlite` of each test. For most of HTTP it makes no difference which database there is.
macro_rules! sqlite {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn sqlite() {
                crate::harness::database::on_sqlite(async |database| super::$name(database).await);
            }
        })+
    };
}

mod audit;
mod authority;
mod cancel;
mod checks;
mod clocks;
mod connections;
mod dispatch;
mod events;
mod export;
mod guesses;
mod harness;
mod health;
mod hostile;
mod import;
mod injection;
mod instances;
mod messages;
mod notify;
#[path = "../support/postgres.rs"]
mod postgres;
mod problem;
mod rebuild;
mod secrets;
mod send;
mod shelf;
mod shutdown;
mod stats;
mod tls;
