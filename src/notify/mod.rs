//! Receives what the platform posts: authenticate → parse → group commit → acknowledge.
//!
//! | File | Holds |
//! | --- | --- |
//! | `active_secrets` | secrets, two of which can be active at a time |
//! | `authenticate` | authenticates a request |
//! | `intake` | processes one request |
//! | `committer` | the queue, and the loop that commits its content |

mod active_secrets;
mod authenticate;
mod committer;
mod intake;

pub(crate) use active_secrets::same;
pub use active_secrets::{ActiveSecrets, Keys};
pub use authenticate::{Authentication, Credentials, Denied, Matched};
pub use committer::{Committer, Limits, NotStored};
pub use intake::{Intake, Refusal};
