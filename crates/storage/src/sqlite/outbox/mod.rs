//! The outbox on SQLite. There is one writer, so no row needs to be locked.

pub(super) mod claim;
pub(super) mod enqueue;
pub(super) mod settle;
pub(super) mod steps;
pub(super) mod sweep;
