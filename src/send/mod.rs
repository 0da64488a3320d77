//! Sends messages: accept → outbox → dispatch to the platform → record the outcome.
//!
//! A message is committed before the platform is called, and the platform is called only under a lease. So nothing is
//! forgotten, and nothing is sent twice: where the outcome is unknown, the message is `unconfirmed` and is not sent
//! again by itself.
//!
//! From another program: open a store, take messages over with a [`Sender`], and let a [`Dispatcher`] hand them over.
//! `examples/send.rs` is a whole one.
//!
//! ```
//! use std::time::Duration;
//!
//! use receiptd::{
//!     clock::Clock,
//!     domain::{Actor, Draft},
//!     send::{SendError, Sender, Sent},
//!     storage::{self, Access, OpenOptions},
//!     webex::SmsApi,
//! };
//! use serde_json::json;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let database = format!("sqlite://{}/messages.db", folder.path().display());
//! let options = OpenOptions { connections: 4, timeout: Duration::from_secs(5), access: Access::Create };
//! let store = storage::open(&database, options).await?;
//! let sender = Sender::new(store.outbox.clone(), Clock::system(), Some(SmsApi::V2));
//!
//! let shop = Actor::named("shop");
//! let message = |text: &str| {
//!     let message = json!({
//!         "channel": "sms", "from": "ACME", "to": "+447700900123", "text": text, "correlationId": "order-1001"
//!     });
//!     Draft::new(message).map_err(|fault| fault.detail)
//! };
//! // On disk when it returns; the same again is the same, and another message needs another id.
//! assert!(matches!(sender.accept(&shop, &message("Your parcel is here")?, None).await?, Sent::New(_)));
//! assert!(matches!(sender.accept(&shop, &message("Your parcel is here")?, None).await?, Sent::Same(_)));
//! let other = sender.accept(&shop, &message("Your parcel is gone")?, None).await;
//! assert!(matches!(other, Err(SendError::Conflict(_))));
//!
//! // What cannot be sent is told with a pointer to each fault.
//! let Err(SendError::Faulty(faults)) = sender.accept(&shop, &message("")?, None).await else { panic!("it is blank") };
//! assert_eq!(faults[0].pointer, "/text");
//! # Ok(())
//! # }
//! ```
//!
//! | File | Holds |
//! | --- | --- |
//! | `sender` | takes messages over, and calls them back |
//! | `check` | what is wrong with a message |
//! | `schedule` | when a message is to be dispatched, as a pure function |
//! | `dispatcher/` | the loop that hands them over |
//! | `platform` | the call |
//! | `reach` | whether the platform can be reached, and takes our credentials |
//! | `credentials` | who we are to the platform |
//! | `verdict` | the outcome table: what code, status and shape of an answer mean |
//! | `outcome` | what that is for a message, and what goes on record |
//! | `pause` | when it is tried again |

mod check;
mod credentials;
mod dispatcher;
mod outcome;
mod pause;
mod platform;
mod reach;
mod schedule;
mod sender;
mod verdict;

pub use check::{check, fresh_id};
pub use credentials::{Credentials, CredentialsError};
pub use dispatcher::{DispatchHealth, DispatchLimits, Dispatcher, OnUnknown, RateLimits, Trouble};
pub use outcome::Attempt;
pub use platform::{Platform, PlatformError, WebexConnect};
pub use reach::Reach;
pub use sender::{SendError, Sender, Sent};
