//! How a list names its index on Postgres.

/// Postgres has no clause that names an index, and does not need one: autovacuum maintains statistics.
pub(super) const INDEXED_BY: Option<&str> = None;
