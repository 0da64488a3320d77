//! How a store is opened.

use std::time::Duration;

/// How to open a store.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Maximum number of connections to Postgres, or of readers of SQLite.
    pub connections: u32,
    /// Maximum time to wait for a connection, or for another writer of the same SQLite file. A method as a whole may
    /// take six times as long.
    pub timeout: Duration,
    /// The purpose of opening the store.
    pub access: Access,
}

/// The purpose of opening a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read. Nothing is written. The schema must be up to date.
    Read,
    /// To read and write rows. The schema must be up to date.
    Write,
    /// Like `Write`, but the schema is migrated first. An SQLite file must exist.
    Migrate,
    /// Like `Migrate`, but a missing SQLite file is created.
    Create,
}
