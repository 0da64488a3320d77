//! The HTTP interface. A handler extracts what it needs from the request, calls one use case, and maps its result.
//!
//! To add an endpoint: in `routes`, add a file for its handler and a JSON file for its description, and a line for each
//! in `routes/mod.rs`. If it can fail in a new way, add a row in `problem/code.rs`.
//!
//! | Folder or file | What it contains |
//! | --- | --- |
//! | `state` | the state that handlers share |
//! | `host` | the host that a client names |
//! | `problem` | the errors that clients see |
//! | `assets` | the style sheet, the script and the icon of pages, and their policy |
//! | `transport` | connections: how many there may be, how much is read from them, when they are closed |
//! | `middleware` | what happens to every request and answer |
//! | `extract` | what handlers take from a request: the caller, parameters, pages, bodies |
//! | `routes` | each resource: its handlers, and its part of the API description |
//! | `pages` | the pages for people |
//! | `openapi` | the whole API description, for programs and for people |
//! | `server` | assembles the parts, and runs until the shutdown |
//!
//! Imports go one way: `HTTP` in `tests/architecture/main.rs` defines which of them may use which.

mod assets;
mod extract;
mod host;
mod middleware;
mod openapi;
mod pages;
mod problem;
mod routes;
mod server;
mod state;
mod transport;

pub use openapi::{Conditions, describe};
pub use server::serve;
pub use state::App;
