//! What is stored when something arrives at the notify URL.

use super::{Archived, Inbound, Source, StoredNotification, Timestamp, Unreadable};

/// One authenticated request, in the form in which it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    Notification(StoredNotification),
    /// A message or event that an end user sent to the tenant.
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
            Self::Notification(stored) => {
                Self::Quarantined(Archived::first_arrival(why, stored.body, stored.source, stored.received_at))
            }
            Self::Inbound(archived) => {
                Self::Quarantined(Archived::first_arrival(why, archived.body, archived.source, archived.received_at))
            }
            Self::Quarantined(archived) => Self::Quarantined(archived),
        }
    }

    /// The same arrival with its number of occurrences.
    #[must_use]
    pub fn came(mut self, times: i64) -> Self {
        match &mut self {
            Self::Notification(stored) => stored.occurrences = times,
            Self::Inbound(archived) => archived.occurrences = times,
            Self::Quarantined(archived) => archived.occurrences = times,
        }
        self
    }

    /// What was posted, without what it means: when it arrived, how, and the body.
    pub fn as_posted(&self) -> (Timestamp, Source, &[u8]) {
        match self {
            Self::Notification(stored) => (stored.received_at, stored.source, &stored.body),
            Self::Inbound(archived) => (archived.received_at, archived.source, &archived.body),
            Self::Quarantined(archived) => (archived.received_at, archived.source, &archived.body),
        }
    }

    /// The approximate size in bytes.
    pub fn size(&self) -> usize {
        self.as_posted().2.len()
    }
}
