//! The HTTP interface. A handler extracts, calls one use case, and maps the result.
//!
//! To add an endpoint: in `routes`, a file for its handler with a JSON file for its description beside it, and a line for
//! each in `routes/mod.rs`. If it can fail in a new way, a row in `problem/code.rs`.
//!
//! | Folder or file | What it contains |
//! | --- | --- |
//! | `state` | what handlers share |
//! | `problem` | what can go wrong, as clients see it |
//! | `transport` | connections: how many, how much is read from them, when they are closed |
//! | `middleware` | what is done with every request and answer |
//! | `extract` | what handlers take from a request: the caller, parameters, pages, bodies |
//! | `routes` | each resource: its handlers, and its part of the API description |
//! | `openapi` | the whole API description, for programs and for people |
//! | `server` | puts the rest together, and runs from listener to shutdown |
//!
//! Imports go one way: `HTTP` in `tests/architecture/main.rs` says which of them may use which.

mod extract;
mod middleware;
mod openapi;
mod problem;
mod routes;
mod server;
mod state;
mod transport;

pub use openapi::{Conditions, describe};
pub use server::serve;
pub use state::App;
