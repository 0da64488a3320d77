//! A message as it is kept.

use super::{
    Address, Channel, CorrelationId, Failure, Status, StoredNotification, Submission, Timestamp, TransactionId,
};

/// Our side of sending. Only messages that we sent have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dispatch {
    /// Waiting to be handed over, for the first time or again.
    Queued,
    /// Being handed over.
    Sending,
    /// The request left and no answer came. Never resent by itself; a later notification settles it.
    Unconfirmed,
    /// The platform queued it.
    Accepted,
    /// The platform refused it.
    Rejected,
    /// Called back before it was handed over.
    Cancelled,
    /// Its time ran out before it was handed over.
    Expired,
}

impl Dispatch {
    /// The status of a message of which nothing else is known.
    pub fn status(self) -> Status {
        match self {
            Self::Queued => Status::Queued,
            Self::Sending => Status::Sending,
            Self::Unconfirmed => Status::Unconfirmed,
            Self::Accepted => Status::Accepted,
            Self::Rejected => Status::Rejected,
            Self::Cancelled => Status::Cancelled,
            Self::Expired => Status::Expired,
        }
    }

    /// The word that the database uses: that of the status.
    pub fn as_str(self) -> &'static str {
        self.status().as_str()
    }

    /// The dispatch state of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Queued, Self::Sending, Self::Unconfirmed, Self::Accepted, Self::Rejected, Self::Cancelled, Self::Expired]
            .into_iter()
            .find(|dispatch| dispatch.as_str() == word)
    }
}

/// One step of our dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DispatchEvent {
    /// When, by our clock.
    pub at: Timestamp,
    /// The state that was reached.
    pub dispatch: Dispatch,
    /// The platform's code, where it answered with one.
    pub code: Option<String>,
    /// What happened, in words.
    pub reason: Option<String>,
    /// The transaction id that the platform gave.
    pub transaction_id: Option<TransactionId>,
}

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// We did.
    Sent,
    /// Another system did, and we only heard of it.
    Observed,
}

impl Origin {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sent, Self::Observed];

    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Observed => "observed",
        }
    }

    /// The origin of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == word)
    }
}

/// One outbound message and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub correlation_id: CorrelationId,
    /// The platform's id of the transaction that decided the status, or of our hand-over.
    pub transaction_id: Option<TransactionId>,
    /// Our dispatch; `None` for an observed message.
    pub dispatch: Option<Dispatch>,
    /// The channel.
    pub channel: Option<Channel>,
    /// The sender: sender id, address or app id. Known for messages that we sent.
    pub sender: Option<String>,
    /// The recipient.
    pub recipient: Option<Address>,
    /// Whether notifications name other recipients than `recipient`.
    pub other_recipients: bool,
    /// What the sender asked to be given back.
    pub callback_data: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Whether the outcome is known.
    pub is_final: bool,
    /// If it failed or was refused, whether that may pass.
    pub failure: Option<Failure>,
    /// The code behind the status.
    pub code: Option<String>,
    /// The words behind the status.
    pub reason: Option<String>,
    /// Into how many parts it was cut.
    pub segments: Option<i64>,
    /// When the status was reached, by the clock of whoever reported it. `None` if no readable time came.
    pub status_at: Option<Timestamp>,
    /// When we first knew of it.
    pub created_at: Timestamp,
    /// When anything about it last changed here.
    pub updated_at: Timestamp,
    /// How many different notifications there are about it.
    pub notification_count: i64,
}

impl Message {
    /// A message that was just taken over for sending.
    pub fn queued(submission: &Submission, at: Timestamp) -> Self {
        Self {
            correlation_id: submission.correlation_id.clone(),
            transaction_id: None,
            dispatch: Some(Dispatch::Queued),
            channel: Some(submission.channel.clone()),
            sender: Some(submission.sender.clone()),
            recipient: Address::new(submission.recipient.id()),
            other_recipients: false,
            callback_data: submission.callback_data.clone(),
            status: Status::Queued,
            is_final: false,
            failure: None,
            code: None,
            reason: None,
            segments: None,
            status_at: Some(at),
            created_at: at,
            updated_at: at,
            notification_count: 0,
        }
    }

    /// Who sent it.
    pub fn origin(&self) -> Origin {
        if self.dispatch.is_some() { Origin::Sent } else { Origin::Observed }
    }

    /// What whoever had us send it ought to know beside its status.
    pub fn warning(&self) -> Option<&'static str> {
        self.channel.as_ref().filter(|_| self.origin() == Origin::Sent)?.warning()
    }
}

/// A message with everything that is on record about it, all of it as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The message.
    pub message: Message,
    /// Its notifications, in no particular order and without their bodies.
    pub notifications: Vec<StoredNotification>,
    /// The steps of our dispatch, in the order in which they were taken.
    pub dispatch: Vec<DispatchEvent>,
}
