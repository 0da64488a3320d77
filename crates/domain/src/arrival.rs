//! What is stored when something arrives at the notify URL.

use super::{Archived, Inbound, Source, StoredNotification, Timestamp, Unreadable};

/// The platform's signature of a body: an HMAC with SHA-256 (32 bytes) or SHA-512 (64 bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodySignature(Vec<u8>);

impl BodySignature {
    /// `None` for any other number of bytes than 32 and 64.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        [32, 64].contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

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
        let signature = self.signature().cloned();
        let quarantined = match self {
            Self::Notification(stored) => Archived::first_arrival(why, stored.body, stored.source, stored.received_at),
            Self::Inbound(archived) => {
                Archived::first_arrival(why, archived.body, archived.source, archived.received_at)
            }
            Self::Quarantined(archived) => archived,
        };
        Self::Quarantined(Archived { signature, ..quarantined })
    }

    /// The same arrival with the platform's signature of its body.
    #[must_use]
    pub fn signed(mut self, signature: Option<BodySignature>) -> Self {
        match &mut self {
            Self::Notification(stored) => stored.signature = signature,
            Self::Inbound(archived) => archived.signature = signature,
            Self::Quarantined(archived) => archived.signature = signature,
        }
        self
    }

    /// The platform's signature of the body, if it came with one.
    pub fn signature(&self) -> Option<&BodySignature> {
        match self {
            Self::Notification(stored) => stored.signature.as_ref(),
            Self::Inbound(archived) => archived.signature.as_ref(),
            Self::Quarantined(archived) => archived.signature.as_ref(),
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
