//! Connections, where actix does not limit what clients can exhaust.

pub(crate) mod answer;
pub(crate) mod connection;
pub(crate) mod continuing;
pub(crate) mod crowd;
pub(crate) mod peer;
pub(crate) mod watch;
