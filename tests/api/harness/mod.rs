//! What the tests are written with.
//!
//! | File | Holds |
//! | --- | --- |
//! | `follower` | somebody who follows the events of a server |
//! | `server`, `client`, `answer` | a server of a test's own, requests to it, and what is expected of the answers |
//! | `described` | each answer held against the description of the API |
//! | `database`, `clock` | the database under it, and the clock by which it goes |
//! | `sample` | what the platform posts, and what is sent |
//! | `platform` | the simulated platform, and one that only records |
//! | `program` | the real program, in a process of its own |
//! | `raw` | connections below HTTP |
//! | `certificates` | certificates for servers over TLS |
//! | `eventually` | waiting for a condition |

mod answer;
#[path = "../../support/certificates.rs"]
pub(crate) mod certificates;
mod client;
mod clock;
pub(crate) mod database;
mod described;
mod eventually;
mod follower;
mod platform;
pub(crate) mod program;
mod raw;
mod sample;
mod server;

pub(crate) use answer::Answer;
pub(crate) use client::{Client, Strangers, asked, encoded, message_path};
pub(crate) use clock::SetClock;
pub(crate) use database::Database;
pub(crate) use described::{Operation, operations};
pub(crate) use eventually::eventually;
pub(crate) use follower::Follower;
pub(crate) use platform::{Platform, Recorder, Request};
pub(crate) use program::{Program, free_address};
pub(crate) use raw::{Ending, Raw, by_hand};
pub(crate) use sample::{Sample, fixtures, sms, whatsapp};
pub(crate) use server::TestServer;
