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
//! | `outcome` | what an attempt means, and what follows from it, as pure functions |

mod dispatcher;
mod outcome;
mod platform;
mod schedule;
mod sender;

pub use dispatcher::{Dispatcher, Pace};
pub use outcome::Attempt;
pub use platform::{Platform, PlatformError, WebexConnect};
pub use sender::{SendError, Sender, Sent};
