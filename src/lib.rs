//! The system of record for messages sent through Cisco Webex Connect.

#![forbid(unsafe_code)]

pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod detached;
pub mod handover;
pub mod http;
pub mod lifecycle;
pub mod maintenance;
pub mod notify;
pub mod observe;
pub mod projection;
pub mod query;
pub mod secret;
pub mod send;
pub mod tls;

pub use receiptd_domain as domain;
pub use receiptd_simulator as simulator;
pub use receiptd_storage as storage;
pub use receiptd_webex as webex;
