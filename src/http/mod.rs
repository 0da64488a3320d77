//! The HTTP interface. A handler extracts, calls one use case, and maps the result.
//!
//! To add an endpoint: a file for it (its handler, its documentation), a line in `routes`, its description in `openapi/`,
//! and, where it can go wrong in a new way, a row in `problem`.
//!
//! | File | Holds |
//! | --- | --- |
//! | `routes`, `endpoint` | all routes on one page, and what each of them is |
//! | `openapi`, `docs` | what they take and answer, for programs and for people |
//! | `server` | the server, from listener to shutdown |
//! | `auth` | who may call, as an extractor |
//! | `checks` | what every request to the API is checked for first |
//! | `auth_throttle` | bounds how many secrets an address may guess |
//! | `unknown_path` | what is not a route |
//! | `peer`, `connection` | how many connections an address may have, and when they are closed |
//! | `continuing` | when a client is asked for a body that it announces |
//! | `client_address` | from where a request comes, also behind a proxy |
//! | `code`, `problem` | what goes wrong, as clients see it |
//! | `request_id` | the id of each request, in and out |
//! | `security_headers` | what an answer tells browsers and caches not to do |
//! | `pairs`, `body`, `lines` | parameters; bodies, bounded in size and time; their lines |
//! | `notify`, `send`, `send_many`, `cancel` | the endpoints: what comes in, and what goes out |
//! | `messages`, `stats`, `events`, `export`, `archive`, `audit`, `health` | what can be asked |
//! | `import`, `rebuild` | what is put right |

mod archive;
mod audit;
mod auth;
mod auth_throttle;
mod body;
mod cancel;
mod checks;
mod client_address;
mod code;
mod connection;
mod continuing;
mod docs;
mod endpoint;
mod events;
mod export;
mod health;
mod import;
mod lines;
mod messages;
mod notify;
mod openapi;
mod pairs;
mod peer;
mod probe;
mod problem;
mod rebuild;
mod request_id;
mod routes;
mod security_headers;
mod send;
mod send_many;
mod server;
mod stats;
mod unknown_path;

pub use openapi::{Conditions, describe};
pub use server::{App, serve};
