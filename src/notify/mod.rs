//! Takes what the platform posts: authenticate → parse → group commit → acknowledge.
//!
//! | File | Holds |
//! | --- | --- |
//! | `authenticate` | whether a request may be believed |
//! | `intake` | the way of one request |
//! | `committer` | the queue, and the loop that commits what is in it |
//! | `batching` | what that loop decides, as pure functions |

mod authenticate;
mod batching;
mod committer;
mod intake;

pub(crate) use authenticate::same;
pub use authenticate::{Authentication, Credentials, Denied};
pub use committer::{Committer, Limits, NotStored};
pub use intake::{Intake, Refusal};
