//! Sends messages: accept → outbox → dispatch to the platform → record the outcome.
//!
//! A message is committed before the platform is called, and the platform is called only under a lease. So no message
//! is lost and none is sent twice: if the outcome is unknown, the message becomes `unconfirmed` and, by default, is not
//! sent again.
//!
//! From another program: open a store, accept messages with a [`Sender`], and let a [`Dispatcher`] dispatch them.
//! `examples/send.rs` is a complete example.
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
//!     Draft::new(message).map_err(|error| error.detail)
//! };
//! // The message is on disk when `accept` returns. The same message may be sent again; another one needs another id.
//! assert!(matches!(sender.accept(&shop, &message("Your parcel is here")?, None).await?, Sent::New(_)));
//! assert!(matches!(sender.accept(&shop, &message("Your parcel is here")?, None).await?, Sent::Same(_)));
//! let other = sender.accept(&shop, &message("Your parcel is gone")?, None).await;
//! assert!(matches!(other, Err(SendError::Conflict(_))));
//!
//! // An invalid message is refused, with a pointer to each field that is wrong.
//! let Err(SendError::Faulty(errors)) = sender.accept(&shop, &message("")?, None).await else { panic!("it is blank") };
//! assert_eq!(errors[0].pointer, "/text");
//! # Ok(())
//! # }
//! ```
//!
//! | File | Holds |
//! | --- | --- |
//! | `sender` | accepts messages, and cancels them |
//! | `again` | sends what a message said as a new message |
//! | `bulk` | what acts on all messages of a filter have in common |
//! | `bulk_cancel`, `bulk_again` | cancels all messages that a filter admits; sends them again |
//! | `act` | the id of an act, which decides which messages it is about |
//! | `check` | validates messages |
//! | `schedule` | when a message is due, as a pure function |
//! | `dispatcher/` | the loop that dispatches messages |
//! | `limits` | the limits of the dispatcher |
//! | `platform` | the HTTP call |
//! | `reach` | checks whether the platform can be reached and accepts our credentials |
//! | `credentials` | the credentials that we present to the platform |
//! | `classify` | determines what an answer means for a message |
//! | `retry` | decides whether and when a message is tried again, and what is stored |
//!
//! On its way, a message takes these forms. Each adds something that the previous one does not have:
//!
//! | Type | Defined in | Contents |
//! | --- | --- | --- |
//! | `Draft` | `domain` | the request as it came, any JSON object with known members |
//! | `Submission` | `domain` | the request, checked |
//! | `OutboxEntry` | `storage` | a submission, its due time, and its idempotency key |
//! | `EnqueueResult` | `storage` | the result for an entry: new, known, or in conflict |
//! | `Sent`, `SendError` | `sender` | the result for the caller |
//! | `Claim` | `storage` | a submission whose lease this process holds, and the number of its attempts |
//! | `Ready` | `dispatcher` | a claim in the buffer, with the end of its lease and the time until which it may wait |
//! | `Request` | `webex` | the documented request for one claim or several |
//! | `Attempt` | `classify` | how the HTTP call ended |
//! | `Answer` | `webex` | what the body says about one message |
//! | `Outcome` | `classify` | what that means for the message |
//! | `Settlement` | `storage` | what is stored about the attempt |
//! | `Record` | `dispatcher` | a settlement that waits for its commit; it is given up when the lease ends |
//! | `Feedback` | `dispatcher` | what a request reveals about the next ones: slow down, wait, or stop |

mod act;
mod again;
mod bulk;
mod bulk_again;
mod bulk_cancel;
mod check;
mod classify;
mod credentials;
mod dispatcher;
mod limits;
mod platform;
mod reach;
mod retry;
mod schedule;
mod sender;

pub use act::Act;
pub use again::request_again;
pub use bulk::{BulkAct, BulkProgress, COUNTED};
pub use bulk_again::{BulkAgain, BulkAgainError, BulkAgainParts, BulkAgainPreview, BulkAgainProgress, Judge};
pub use bulk_cancel::{BulkCancel, BulkCancelPreview, BulkCancelProgress};
pub use check::{check, fresh_id};
pub use classify::Attempt;
pub use credentials::{Credentials, CredentialsError};
pub use dispatcher::{DispatchHealth, Dispatcher, Trouble};
pub use limits::{DispatchLimits, OnUnknown, RateLimits};
pub use platform::{Platform, PlatformError, WebexConnect};
pub use reach::Reach;
pub use sender::{SendError, Sender, Sent};
