//! What is stored when something arrives at the notify URL.

use super::{Archived, Inbound, StoredNotification, Unreadable};

/// One authenticated request, in the form in which it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    Notification(StoredNotification),
    /// A customer's own message or event.
    Inbound(Archived<Inbound>),
    /// A body that could not be understood.
    Quarantined(Archived<Unreadable>),
}

impl Arrival {
    /// The same arrival as a quarantined body. Used when the database refuses the parsed form.
    #[must_use]
    pub fn quarantined(self, why: &str) -> Self {
        let why = Unreadable(why.to_owned());
        match self {
            Self::Notification(recorded) => {
                Self::Quarantined(Archived::now(why, recorded.body, recorded.source, recorded.received_at))
            }
            Self::Inbound(kept) => Self::Quarantined(Archived::now(why, kept.body, kept.source, kept.received_at)),
            Self::Quarantined(kept) => Self::Quarantined(kept),
        }
    }

    /// The same arrival with its number of occurrences.
    #[must_use]
    pub fn came(mut self, times: i64) -> Self {
        match &mut self {
            Self::Notification(recorded) => recorded.occurrences = times,
            Self::Inbound(kept) => kept.occurrences = times,
            Self::Quarantined(kept) => kept.occurrences = times,
        }
        self
    }

    /// The approximate size in bytes.
    pub fn size(&self) -> usize {
        match self {
            Self::Notification(recorded) => recorded.body.len(),
            Self::Inbound(kept) => kept.body.len(),
            Self::Quarantined(kept) => kept.body.len(),
        }
    }
}
