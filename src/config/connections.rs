//! The limits of connections to the server.

use std::time::Duration;

use super::{errors::ConfigErrors, raw::Http};

/// How many connections an address may have, and how long they may be idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// The time for which an idle connection stays open.
    pub keep_alive: Duration,
    /// The time for which a client may stop reading an answer.
    pub write_timeout: Duration,
    /// The maximum number of connections of one address.
    pub per_address: usize,
}

pub(super) fn connection_limits(http: &Http, errors: &mut ConfigErrors) -> ConnectionLimits {
    errors.check((1..=3600).contains(&http.keep_alive_seconds), "http.keep_alive_seconds must be 1 to 3600");
    errors.check((1..=3600).contains(&http.write_timeout_seconds), "http.write_timeout_seconds must be 1 to 3600");
    errors.check(http.connections_per_address > 0, "http.connections_per_address must be at least 1");
    ConnectionLimits {
        keep_alive: Duration::from_secs(http.keep_alive_seconds),
        write_timeout: Duration::from_secs(http.write_timeout_seconds),
        per_address: http.connections_per_address,
    }
}
