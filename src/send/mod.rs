//! Sends messages: accept → outbox → hand-over to the platform → record the outcome.
//!
//! A message is committed before the platform is called, and the platform is called only under a lease. So nothing is
//! forgotten, and nothing is sent twice: where the outcome is unknown, the message is `unconfirmed` and is not sent
//! again by itself.
//!
//! | File | Holds |
//! | --- | --- |
//! | `sender` | takes messages over, and calls them back |
//! | `schedule` | when a message is to be handed over, as a pure function |
//! | `dispatcher` | the loop that hands them over |
//! | `platform` | the call |
//! | `credentials` | who we are to the platform |
//! | `verdict` | the outcome table: what code, status and shape of an answer mean |
//! | `outcome` | what that is for a message, and what goes on record |
//! | `pause` | when it is tried again |

mod credentials;
mod dispatcher;
mod outcome;
mod pause;
mod platform;
mod schedule;
mod sender;
mod verdict;

pub use credentials::{Credentials, CredentialsError};
pub use dispatcher::{Dispatcher, Pace};
pub use outcome::Attempt;
pub use platform::{Platform, PlatformError, WebexConnect};
pub use sender::{SendError, Sender, Sent};
