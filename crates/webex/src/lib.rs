//! The platform's wire formats, both directions. Pure: bytes in, types out, and back.
//!
//! | File | Holds |
//! | --- | --- |
//! | `posted` | what a body posted to the notify URL is: notification, inbound, foreign, unreadable |
//! | `notification` | the shapes of delivery notifications |
//! | `inbound` | customers' own messages and events |
//! | `meaning` | status texts and codes turned into what they say |
//! | `codes` | the documented codes, as data |
//! | `json` | tolerant JSON, in which numbers keep their digits |
//! | `elements` | the elements of a body that is an array |
//! | `fields` | tolerant access to members of a JSON object |
//! | `instant` | the platform's time formats |
//! | `signature` | `x-hub-signature` |
//! | `notify_url` | which URLs the platform would notify |
//! | `region` | the platform's hosts |
//! | `api` | which of the platform's APIs a message goes by |
//! | `request` | send requests |
//! | `rules` | the documented limits and rules of each channel, as JSON Schemas |
//! | `answer` | the answers to them |
//!
//! To add a status text, add a row in `meaning`; to add a code, a row in `codes.tsv`; to add a shape, a function in
//! `notification` that `posted` tries, and a fixture in `tests/fixtures/notify`.

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
pub use notify_url::{NotifyUrl, NotifyUrlError, has_host, is_loopback};
pub use posted::Posted;
pub use region::Region;
