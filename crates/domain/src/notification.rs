//! One delivery notification.

use std::borrow::Cow;

use super::{
    Address, Channel, CorrelationId, Failure, Fingerprint, Precedence, Standing, Status, Timestamp, TransactionId,
};

/// Which message a notification is about. One of the two ids is always there; without either nobody could say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The sender's correlation id came back; usually with the platform's transaction id.
    Correlated(CorrelationId, Option<TransactionId>),
    /// No correlation id (the sender gave none, or the platform lost it, as it does for some voice events). It
    /// belongs to the message that has this transaction id.
    Transaction(TransactionId),
}

impl Reference {
    /// The transaction id, if there was one.
    pub fn transaction_id(&self) -> Option<&TransactionId> {
        match self {
            Self::Correlated(_, id) => id.as_ref(),
            Self::Transaction(id) => Some(id),
        }
    }

    /// The id of the message, as far as this notification alone can tell.
    pub fn correlation_id(&self) -> CorrelationId {
        match self {
            Self::Correlated(id, _) => id.clone(),
            Self::Transaction(id) => CorrelationId::of_transaction(id),
        }
    }
}

/// What a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Neither the status text nor the code is known.
    Unknown,
    /// A step of a call that is not its outcome: offered, dropped, released… Alone it proves that the message was
    /// submitted.
    Progress,
    /// Handed on to the carrier or channel.
    Submitted,
    /// Will not arrive.
    Failed(Failure),
    /// Arrived.
    Delivered,
    /// Opened.
    Read,
    /// A link was followed.
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

    /// The word that the database uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            event => event.status().as_str(),
        }
    }

    /// The event of this word; `failure` is that of a failed message.
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

    /// Whether a failure may pass; `None` if this is none.
    pub fn failure(self) -> Option<Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

/// One delivery notification, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Which message it is about.
    pub reference: Reference,
    /// The channel it names.
    pub channel: Option<Channel>,
    /// Who the message went to, as the platform saw it.
    pub recipient: Option<Address>,
    /// What it says.
    pub event: Event,
    /// The status text as it was posted.
    pub status_text: String,
    /// The platform's code.
    pub code: Option<String>,
    /// The platform's description of the code.
    pub reason: Option<String>,
    /// What the provider behind the platform said, or the other particulars of the event.
    pub detail: Option<String>,
    /// When it happened, by the platform's clock. `None` if no readable time came with it.
    pub at: Option<Timestamp>,
    /// Into how many parts the message was cut.
    pub segments: Option<i64>,
    /// What the sender asked to be given back.
    pub callback_data: Option<String>,
}

impl Notification {
    /// The same for the same event of the same message, however often and by whichever way it is posted: over
    /// transaction id, recipient, status, code, time of the event and text. Of the status, letters and digits count, since
    /// spellings vary; all of it, if it is not understood. Where a time cannot be read, and where a link was followed, the
    /// detail counts too, since it names them.
    pub fn fingerprint(&self) -> Fingerprint {
        let at = self.at.map_or(i64::MIN, Timestamp::as_micros).to_be_bytes();
        let detail = self.detail.as_deref().filter(|_| self.at.is_none() || self.event == Event::Clicked);
        let spelling = self.spelling();
        let parts = [
            self.reference.transaction_id().map_or("", TransactionId::as_str).as_bytes(),
            self.recipient.as_ref().map_or("", Address::as_str).as_bytes(),
            spelling.as_bytes(),
            self.code.as_deref().unwrap_or_default().as_bytes(),
            at.as_slice(),
            self.reason.as_deref().unwrap_or_default().as_bytes(),
        ];
        Fingerprint::of_parts(parts.into_iter().chain(detail.map(str::as_bytes)))
    }

    /// The status text without what varies in its spelling; if it is not understood, or there would be nothing left, as it is.
    fn spelling(&self) -> Cow<'_, str> {
        let text = &self.status_text;
        let plain: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if self.event == Event::Unknown || plain.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(plain) }
    }

    /// How strongly it speaks among the notifications of its message.
    pub fn precedence(&self, fingerprint: Fingerprint) -> Precedence {
        let rank = self.event.status().rank(self.channel.as_ref());
        let gravity = self.event.failure().map_or(0, Failure::gravity);
        Precedence { rank, at: self.at.unwrap_or_default(), gravity, fingerprint }
    }

    /// What this notification alone makes of its message.
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

/// The letters of a status text, lower-cased, which is how such texts are compared: `Un-Delivered` is `undelivered`.
pub fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

/// How a notification reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Posted to the notify URL.
    Notify,
    /// Loaded from a file, such as the platform's export of failed notifications.
    Import,
}

impl Source {
    /// The word that API and database use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Import => "import",
        }
    }

    /// The source of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Notify, Self::Import].into_iter().find(|source| source.as_str() == word)
    }
}

/// A notification with what we know of its arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotification {
    /// What it says.
    pub notification: Notification,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// When it first came, by our clock.
    pub received_at: Timestamp,
    /// How it came.
    pub source: Source,
    /// How often it came.
    pub occurrences: i64,
    /// The body as it was posted.
    pub body: Vec<u8>,
}

impl StoredNotification {
    /// A notification that has just come for the first time.
    pub fn now(notification: Notification, body: Vec<u8>, source: Source, received_at: Timestamp) -> Self {
        let fingerprint = notification.fingerprint();
        Self { notification, fingerprint, received_at, source, occurrences: 1, body }
    }

    /// What it alone makes of its message.
    pub fn standing(&self) -> Standing {
        self.notification.standing(self.fingerprint)
    }

    /// Its place among the notifications of a message: by the time of the event, then by precedence.
    pub fn place(&self) -> (Timestamp, Precedence) {
        let precedence = self.notification.precedence(self.fingerprint);
        (precedence.at, precedence)
    }
}
