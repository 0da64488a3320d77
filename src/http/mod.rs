//! The HTTP interface. A handler extracts, calls one use case, and maps the result.
//!
//! To add an endpoint: a file for it (its handler, its documentation), a line in `routes`, and, where it can go wrong
//! in a new way, a row in `problem`.
//!
//! | File | Holds |
//! | --- | --- |
//! | `routes` | all routes on one page |
//! | `server` | the server, from listener to shutdown |
//! | `authority` | who may call, as an extractor |
//! | `problem` | what goes wrong, as clients see it |
//! | `request_id` | the id of each request, in and out |
//! | `body` | request bodies, bounded in size and time |
//! | `notify`, `send`, `messages`, `shelf`, `health` | the endpoints |

mod authority;
mod body;
mod health;
mod messages;
mod notify;
mod problem;
mod request_id;
mod routes;
mod send;
mod server;
mod shelf;

pub use server::{App, serve};
