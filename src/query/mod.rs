//! Answers questions about messages.
//!
//! | File | Holds |
//! | --- | --- |
//! | `look_up` | finds, lists and waits |
//! | `feed` | every change of a status as it happens |
//! | `view`, `event_view`, `shelf_view`, `tally_view` | the answers as the API and the command line show them |

mod event_view;
mod feed;
mod look_up;
mod shelf_view;
mod tally_view;
mod view;

pub use event_view::EventView;
pub use feed::{Feed, FeedError, FeedRequest, trim};
pub use look_up::{Deadlines, Query};
pub use shelf_view::{InboundView, QuarantineView};
pub use tally_view::{KindView, TallyView};
pub use view::{EntryView, ListView, MessageView, NotificationView, RecipientView};
