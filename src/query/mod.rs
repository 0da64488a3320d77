//! Finds messages, and shows them.
//!
//! | File | Holds |
//! | --- | --- |
//! | `look_up` | finds messages, lists them, and waits for them |
//! | `pace` | how long the steps of a message took, and how long they usually take |
//! | `overview` | what happens at the moment, and what needs attention |
//! | `find/` | finds whatever a person has at hand: an id, a number, a code, a pasted notification |
//! | `counts` | which messages to count |
//! | `glossary` | what statuses and codes mean |
//! | `saved_view` | filters that people saved under a name |
//! | `sealed_filter` | filters as texts that tell nothing, for addresses |
//! | `event_stream` | every change of a status, for clients that follow them |
//! | `verdict` | what a status means, for people who are not engineers |
//! | `view`, `event_view`, `archive_view`, `pace_view`, `stats_view` | the results as the API and the command line show them |

mod archive_view;
mod counts;
mod event_stream;
mod event_view;
mod find;
mod glossary;
mod look_up;
mod overview;
mod pace;
mod pace_view;
mod saved_view;
mod sealed_filter;
mod stats_view;
mod verdict;
mod view;

pub use archive_view::{InboundView, QuarantineView};
pub use counts::CountRequest;
pub use event_stream::{EventStream, EventStreamError, EventStreamRequest};
pub use event_view::EventView;
pub use find::{AdviceView, CodeView, FindView, FoundView, TriedView};
pub use glossary::{CodeRequest, GlossaryView, StatusView, code_of, codes, statuses};
pub use look_up::{Deadlines, Query};
pub use overview::{
    BoundedView, ChannelView, FailureView, HourView, LevelView, Overview, OverviewHours, OverviewView, VerificationView,
};
pub use pace_view::{PaceView, SampleView, StepView, UsualView};
pub use saved_view::{SavedViewRequest, SavedViewView, SavedViewsView, search_body, too_many_views};
pub use sealed_filter::{SealedFilters, ViewError};
pub use stats_view::{StatsRowView, StatsView};
pub use verdict::VerdictView;
pub use view::{EntryView, ListView, MessageView, NotificationView, RecipientView, SubmissionView, capitalised};
