//! Rows, and their conversion into types of the domain.

mod archived;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod block;
pub(crate) mod changes;
pub(crate) mod digest;
pub(crate) mod evidence;
pub(crate) mod full_message;
pub(crate) mod journal;
pub(crate) mod link;
mod message;
mod message_status;
mod notification;
pub(crate) mod outbox;
pub(crate) mod payload;
mod place;
mod recipient;
pub(crate) mod salt;
mod saved_view;
mod session;
mod standing;
mod status_event;
mod step;

pub(crate) use {
    archived::{InboundRow, QuarantineRow},
    block::{OldBlockRow, StoredBlockRow},
    message::MessageRow,
    message_status::MessageStatusRow,
    notification::{NotificationRow, SlotRow},
    outbox::NO_REQUEST,
    place::Place,
    recipient::{NamedRecipientRow, RecipientRow, SharedRow},
    saved_view::SavedViewRow,
    session::SessionRow,
    standing::StandingRow,
    status_event::{SealRow, StatusEventRow},
    step::{DispatchRow, EventRow},
};
