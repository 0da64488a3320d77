//! The outbox on Postgres. Several instances work on one outbox. They lock rows of `outbox` first, then those of
//! `transactions`, then those of `messages`, each in the order of the keys, as an append does. Rows that another instance
//! is about to take are skipped if any other row will do. An `ARRAY(…)` is evaluated once, and the planner assumes that it
//! is short, so its rows are looked up by key.

pub(super) mod claim;
pub(super) mod enqueue;
pub(super) mod settle;
pub(super) mod steps;
pub(super) mod sweep;
