//! Limits for connections that actix does not have, so that clients cannot exhaust the server.

pub(crate) mod answer;
pub(crate) mod connection;
pub(crate) mod continuing;
pub(crate) mod crowd;
pub(crate) mod peer;
pub(crate) mod watch;
