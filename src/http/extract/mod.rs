//! Extractors: what handlers take from a request. If something is missing or wrong, the answer is a problem, and the
//! handler does not run.

pub(crate) mod allowed_address;
pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod caught_up;
pub(crate) mod client_address;
pub(crate) mod filters;
pub(crate) mod form;
pub(crate) mod lines;
pub(crate) mod message_id;
pub(crate) mod paging;
pub(crate) mod pairs;
pub(crate) mod reason;
