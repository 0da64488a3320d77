//! How a list names its index on SQLite.

/// The clause with which a statement names its index. It is necessary, since receiptd does not run ANALYZE.
pub(super) const INDEXED_BY: Option<&str> = Some(" INDEXED BY ");
