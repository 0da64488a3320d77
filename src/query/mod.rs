//! Finds messages, and shows them.
//!
//! | File | Holds |
//! | --- | --- |
//! | `look_up` | finds messages, lists them, and waits for them |
//! | `event_stream` | every change of a status, for clients that follow them |
//! | `verdict` | what a status means, for people who are not engineers |
//! | `view`, `event_view`, `archive_view`, `stats_view` | the results as the API and the command line show them |

mod archive_view;
mod event_stream;
mod event_view;
mod look_up;
mod stats_view;
mod verdict;
mod view;

pub use archive_view::{InboundView, QuarantineView};
pub use event_stream::{EventStream, EventStreamError, EventStreamRequest};
pub use event_view::EventView;
pub use look_up::{Deadlines, Query};
pub use stats_view::{StatsRowView, StatsView};
pub use verdict::VerdictView;
pub use view::{EntryView, ListView, MessageView, NotificationView, RecipientView};
