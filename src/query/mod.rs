//! Answers questions about messages.
//!
//! | File | Holds |
//! | --- | --- |
//! | `look_up` | finds, lists and waits |
//! | `view`, `tally_view` | the answers as the API and the command line show them |

mod look_up;
mod tally_view;
mod view;

pub use look_up::{Deadlines, Query};
pub use tally_view::{KindView, TallyView};
pub use view::{EntryView, InboundView, ListView, MessageView, NotificationView, QuarantineView, RecipientView};
