//! Takes what the platform posts: authenticate → parse → group commit → acknowledge.
//!
//! | File | Holds |
//! | --- | --- |
//! | `active_secrets` | secrets of which two may be good at a time |
//! | `authenticate` | whether a request may be believed |
//! | `intake` | the way of one request |
//! | `committer` | the queue, and the loop that commits what is in it |
//! | `batching` | what that loop decides, as pure functions |

mod active_secrets;
mod authenticate;
mod batching;
mod committer;
mod intake;

pub(crate) use active_secrets::same;
pub use active_secrets::{ActiveSecrets, Keys};
pub use authenticate::{Authentication, Credentials, Denied, Matched};
pub use committer::{Committer, Limits, NotStored};
pub use intake::{Intake, Refusal};
