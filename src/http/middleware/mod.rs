//! What happens to every request before its handler, and to every answer after it.

pub(crate) mod behind;
pub(crate) mod checks;
pub(crate) mod request_id;
pub(crate) mod security_headers;
