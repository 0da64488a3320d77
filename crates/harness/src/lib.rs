//! Shared helpers of the tests.
//!
//! | File | Contents |
//! | --- | --- |
//! | `follower` | a client that follows the events of a server |
//! | `server`, `client`, `answer` | a server for a single test, requests to it, and assertions about the answers |
//! | `page` | a page as a person reads it |
//! | `described` | checks each answer against the API description |
//! | `database`, `clock` | the database and the clock of the server |
//! | `stored` | stores arrivals, and reads everything that is stored |
//! | `stoppable` | a Postgres server that a test can stop and kill |
//! | `preload` | a library that intercepts calls to the operating system |
//! | `sample` | bodies that the platform posts, and messages to send |
//! | `platform` | the simulated platform, and one that only records requests |
//! | `program` | the real program in its own process |
//! | `raw` | connections below HTTP |
//! | `certificates` | certificates for servers over TLS |
//! | `eventually` | waits for a condition |

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]
#![expect(clippy::missing_panics_doc, reason = "the name of a helper says what it does, and it fails the test")]
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

/// Makes `name::sqlite` of each test. For most HTTP tests the database makes no difference.
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
mod page;
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
pub use page::Page;
pub use platform::{Platform, Recorder, Request};
pub use program::{Program, free_address};
pub use raw::{Ending, Raw, by_hand};
pub use sample::{Sample, fixtures, sms, whatsapp};
pub use server::TestServer;
pub use stored::{notifications_of, project_all, put, read_otherwise};
