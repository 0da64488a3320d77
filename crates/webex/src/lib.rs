//! The platform's wire formats, in both directions. Pure functions from bytes to types and back.
//!
//! | File | Contents |
//! | --- | --- |
//! | `posted` | classifies a body that was posted to the notify URL: notification, inbound, foreign, unreadable |
//! | `notification` | the formats of delivery notifications |
//! | `inbound` | messages and events that end users sent to the tenant |
//! | `meaning` | the meaning of status texts and codes |
//! | `codes` | the documented codes, as data |
//! | `json` | tolerant JSON, in which numbers keep their digits |
//! | `elements` | splits a body that is an array |
//! | `fields` | tolerant access to members of a JSON object |
//! | `instant` | the platform's time formats |
//! | `signature` | `x-hub-signature` |
//! | `notify_url` | the URLs that the platform accepts as notify URL |
//! | `region` | the platform's hosts |
//! | `api` | chooses the platform's API for a message |
//! | `request` | send requests |
//! | `rules` | the documented limits and rules of each channel, as JSON Schemas |
//! | `answer` | the answers to send requests |
//!
//! To add a status text, add a row in `meaning`. To add a code, add a row to `codes.tsv`. To add a format of
//! notifications, add a function in `notification` that `posted` tries, and a fixture in `tests/fixtures/notify`.

pub mod answer;
mod api;
pub mod codes;
mod elements;
mod fields;
mod inbound;
mod instant;
mod json;
mod meaning;
mod notification;
mod notify_url;
mod posted;
mod region;
pub mod request;
pub mod rules;
pub mod signature;

pub use api::{Api, SmsApi};
pub use instant::TimeZone;
pub use json::unquoted;
pub use notify_url::{NotifyUrl, NotifyUrlError, authority_follows_scheme, is_loopback};
pub use posted::Posted;
pub use region::Region;
