//! One delivery notification.

use super::{
    Address, BodySignature, Channel, CorrelationId, Failure, Fingerprint, Precedence, Standing, Status, Timestamp,
    TransactionId,
};

/// The message that a notification belongs to. A notification always has at least one of the two ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The notification contains the sender's correlation id, and usually the platform's transaction id too.
    Correlated(CorrelationId, Option<TransactionId>),
    /// There is no correlation id. The sender gave none, or the platform lost it, as it does for some voice events. The
    /// notification belongs to the message with this transaction id.
    Transaction(TransactionId),
}

impl Reference {
    pub fn transaction_id(&self) -> Option<&TransactionId> {
        match self {
            Self::Correlated(_, id) => id.as_ref(),
            Self::Transaction(id) => Some(id),
        }
    }

    /// The id of the message, as far as this notification alone shows.
    pub fn correlation_id(&self) -> CorrelationId {
        match self {
            Self::Correlated(id, _) => id.clone(),
            Self::Transaction(id) => CorrelationId::of_transaction(id),
        }
    }
}

/// What a notification reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Neither the status text nor the code is known.
    Unknown,
    /// A step of a call that is not its outcome: offered, dropped, released and so on. Alone it only proves that the
    /// message was submitted.
    Progress,
    /// Passed on to the carrier or channel.
    Submitted,
    /// It will not arrive.
    Failed(Failure),
    /// It arrived.
    Delivered,
    /// It was opened.
    Read,
    /// A link in it was followed.
    Clicked,
    /// The recipient complained.
    Complained,
}

impl Event {
    /// The status of a message of which nothing else is known.
    pub fn status(self) -> Status {
        match self {
            Self::Unknown => Status::Unknown,
            Self::Progress | Self::Submitted => Status::Submitted,
            Self::Failed(_) => Status::Failed,
            Self::Delivered => Status::Delivered,
            Self::Read => Status::Read,
            Self::Clicked => Status::Clicked,
            Self::Complained => Status::Complained,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            event => event.status().as_str(),
        }
    }

    /// The event of this word. `failure` is that of a failed message.
    pub fn from_word(word: &str, failure: Option<Failure>) -> Option<Self> {
        let failed = Self::Failed(failure.unwrap_or(Failure::Unclear));
        [
            Self::Unknown,
            Self::Progress,
            Self::Submitted,
            failed,
            Self::Delivered,
            Self::Read,
            Self::Clicked,
            Self::Complained,
        ]
        .into_iter()
        .find(|event| event.as_str() == word)
    }

    /// Whether the failure may be temporary. `None` if this is not a failure.
    pub fn failure(self) -> Option<Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

/// One delivery notification, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The message that it belongs to.
    pub reference: Reference,
    pub channel: Option<Channel>,
    /// The recipient, as the platform names it.
    pub recipient: Option<Address>,
    pub event: Event,
    /// The status text as it was posted.
    pub status_text: String,
    pub code: Option<String>,
    /// The platform's description of the code.
    pub reason: Option<String>,
    /// The answer of the provider behind the platform, or other details of the event.
    pub detail: Option<String>,
    /// When it happened, by the platform's clock. `None` if the notification contains no readable time.
    pub at: Option<Timestamp>,
    /// The number of parts into which the message was split.
    pub segments: Option<i64>,
    /// The data that the sender asked the platform to return.
    pub callback_data: Option<String>,
}

impl Notification {
    /// The precedence of this notification among those of its message.
    pub fn precedence(&self, fingerprint: Fingerprint) -> Precedence {
        let rank = self.event.status().rank(self.channel.as_ref());
        let gravity = self.event.failure().map_or(0, Failure::gravity);
        Precedence { rank, at: self.at.unwrap_or_default(), gravity, fingerprint }
    }

    /// The standing of a message that has only this notification.
    pub fn standing(&self, fingerprint: Fingerprint) -> Standing {
        Standing {
            precedence: self.precedence(fingerprint),
            status: self.event.status(),
            failure: self.event.failure(),
            code: self.code.clone(),
            reason: self.reason.clone(),
            channel: self.channel.clone(),
            transaction_id: self.reference.transaction_id().cloned(),
            segments: self.segments,
            callback_data: self.callback_data.clone(),
        }
    }
}

/// The letters of a status text, in lower case. Status texts are compared in this form: `Un-Delivered` is
/// `undelivered`.
pub fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

/// How a notification reached receiptd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Posted to the notify URL.
    Notify,
    /// Imported from a file, such as the platform's export of failed notifications.
    Import,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Import => "import",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Notify, Self::Import].into_iter().find(|source| source.as_str() == word)
    }
}

/// A notification with the facts about its arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotification {
    pub notification: Notification,
    /// Of its [`EventIdentity`](super::EventIdentity).
    pub fingerprint: Fingerprint,
    /// When it first arrived, by the clock of receiptd.
    pub received_at: Timestamp,
    /// How it arrived.
    pub source: Source,
    /// How often it arrived.
    pub occurrences: i64,
    pub body: Vec<u8>,
    /// The platform's signature of the body, if it came with one.
    pub signature: Option<BodySignature>,
}

impl StoredNotification {
    /// The notification as it is stored at its first arrival.
    pub fn first_arrival(
        notification: Notification,
        fingerprint: Fingerprint,
        body: Vec<u8>,
        source: Source,
        received_at: Timestamp,
    ) -> Self {
        Self { notification, fingerprint, received_at, source, occurrences: 1, body, signature: None }
    }

    /// The standing of a message that has only this notification.
    pub fn standing(&self) -> Standing {
        self.notification.standing(self.fingerprint)
    }

    /// The sort key among the notifications of a message: the time of the event, then the precedence.
    pub fn place(&self) -> (Timestamp, Precedence) {
        let precedence = self.notification.precedence(self.fingerprint);
        (precedence.at, precedence)
    }
}

#[cfg(test)]
impl StoredNotification {
    /// A notification that was not read from a body.
    pub(crate) fn made_up(notification: Notification, received_at: Timestamp) -> Self {
        let identity = super::EventIdentity {
            transaction_id: notification.reference.transaction_id(),
            recipient: notification.recipient.as_ref(),
            status_text: &notification.status_text,
            code: notification.code.as_deref(),
            at: notification.at,
            description: None,
            detail: None,
        };
        let fingerprint = identity.fingerprint();
        Self::first_arrival(notification, fingerprint, Vec::new(), Source::Notify, received_at)
    }
}
