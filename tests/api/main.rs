//! The HTTP interface from outside: each test has its own server on a port and its own database, and sends requests.
//!
//! To add a test, write an `async fn` that takes a `&Database`, and name it in the `both!` (or `sqlite!`) of its file.
//! The files mirror `src/http`. Tests of several endpoints have their own files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod archive;
mod audit;
mod auth;
mod auth_throttle;
mod behind;
mod bulk_again;
mod bulk_cancel;
mod cancel;
mod checks;
mod clocks;
mod connections;
mod content;
mod dispatch;
mod events;
mod export;
mod find;
mod health;
mod hostile;
mod import;
mod injection;
mod instances;
mod messages;
mod notify;
mod pages;
mod problem;
mod rebuild;
mod search;
mod secrets;
mod send;
mod session;
mod shutdown;
mod stats;
mod tls;
mod verify;
mod views;
