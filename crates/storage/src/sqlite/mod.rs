//! SQLite: embedded, one file, one writer at a time.
//!
//! `files/` contains what is known of the files, `opening.rs` opens them, and `backup/` copies them. The other files contain
//! the statements that Postgres writes in another way, for the files of the same names in `sql/`.

/// A checked statement. The comment distinguishes the entries of the two databases in `sqlx-data.json`, since the key
/// of an entry is its text.
macro_rules! sql {
    ($text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query!("/* sqlite */ " + $text $(+ $more)* $(, $argument)*)
    };
}

/// A checked query whose rows have the type `$row`.
macro_rules! sql_as {
    ($row:ty, $text:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        ::sqlx::query_as!($row, "/* sqlite */ " + $text $(+ $more)* $(, $argument)*)
    };
}

mod attestations;
mod backend;
mod backup;
mod contradictions;
mod files;
mod json;
mod list;
mod log;
mod notifications;
mod opening;
mod outbox;
mod recipients;
mod recompute;
mod repair;
mod retention;
#[path = "../sql/mod.rs"]
mod sql;
mod status_events;
mod transactions;
mod upsert;
mod writer;

pub use self::backup::{BackupError, Staged, backup};
pub(super) use self::{
    files::Location,
    opening::{open, probe},
};
