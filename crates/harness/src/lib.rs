//! What the tests are written with.
//!
//! | File | Holds |
//! | --- | --- |
//! | `follower` | somebody who follows the events of a server |
//! | `server`, `client`, `answer` | a server of a test's own, requests to it, and what is expected of the answers |
//! | `described` | each answer held against the description of the API |
//! | `database`, `clock` | the database under it, and the clock by which it goes |
//! | `stored` | what is stored, read whole |
//! | `stoppable` | a Postgres server that a test stops and kills |
//! | `preload` | a library between the program and the operating system |
//! | `sample` | what the platform posts, and what is sent |
//! | `platform` | the simulated platform, and one that only records |
//! | `program` | the real program, in a process of its own |
//! | `raw` | connections below HTTP |
//! | `certificates` | certificates for servers over TLS |
//! | `eventually` | waiting for a condition |

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]
#![expect(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "a helper says what it does by its name, and fails the test"
)]
#![expect(
    clippy::return_self_not_must_use,
    clippy::new_without_default,
    clippy::should_implement_trait,
    reason = "they are read in tests, as sentences"
)]

/// Makes `name::sqlite` and `name::postgres` of each test.
#[macro_export]
macro_rules! both {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn sqlite() {
                $crate::database::on_sqlite(async |database| super::$name(database).await);
            }

            #[test]
            fn postgres() {
                $crate::database::on_postgres(async |database| super::$name(database).await);
            }
        })+
    };
}

/// Makes `name::sqlite` of each test. For most of HTTP it makes no difference which database there is.
#[macro_export]
macro_rules! sqlite {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn sqlite() {
                $crate::database::on_sqlite(async |database| super::$name(database).await);
            }
        })+
    };
}

mod answer;
pub mod certificates;
mod client;
mod clock;
pub mod database;
mod described;
mod eventually;
mod follower;
mod platform;
pub mod preload;
pub mod program;
mod raw;
mod sample;
mod server;
pub mod stoppable;
mod stored;

pub use answer::Answer;
pub use client::{Client, Strangers, asked, encoded, message_path};
pub use clock::SetClock;
pub use database::Database;
pub use described::{Operation, operations};
pub use eventually::eventually;
pub use follower::Follower;
pub use platform::{Platform, Recorder, Request};
pub use program::{Program, free_address};
pub use raw::{Ending, Raw, by_hand};
pub use sample::{Sample, fixtures, sms, whatsapp};
pub use server::TestServer;
pub use stored::notifications_of;
