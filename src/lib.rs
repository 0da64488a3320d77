//! The system of record for messages sent through Cisco Webex Connect.

#![forbid(unsafe_code)]

pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod detached;
pub mod domain;
pub mod http;
pub mod lifecycle;
pub mod notify;
pub mod observe;
pub mod query;
pub mod secret;
pub mod send;
pub mod simulator;
pub mod storage;
pub mod tls;
pub mod webex;
