//! What is done with every request before its handler, and with every answer after it.

pub(crate) mod checks;
pub(crate) mod request_id;
pub(crate) mod security_headers;
