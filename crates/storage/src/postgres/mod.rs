//! Postgres: a server that several instances of receiptd may share.
//!
//! `opening/` connects to the server. The other files contain the statements that SQLite writes in another way, for the
//! files of the same names in `sql/`.

/// A checked statement. The comment distinguishes the entries of the two databases in `sqlx-data.json`, since the key
/// of an entry is its text.
macro_rules! sql {
    ($text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query!("/* postgres */ " + $text $(+ $more)* $(, $argument)*)
    };
}

/// A checked query whose rows have the type `$row`.
macro_rules! sql_as {
    ($row:ty, $text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query_as!($row, "/* postgres */ " + $text $(+ $more)* $(, $argument)*)
    };
}

mod arrays;
mod attestations;
mod backend;
mod contradictions;
mod list;
mod notifications;
mod opening;
mod outbox;
mod recipients;
mod recompute;
mod repair;
mod retention;
#[path = "../sql/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one text, checked against each of the two databases")]
mod sql;
mod status_events;
mod transactions;
mod unanswered;
mod upsert;

pub(super) use self::opening::{Server, check_url, open, probe};
