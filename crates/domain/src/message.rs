//! A message as it is stored.

use super::{
    Address, Channel, CorrelationId, Failure, Status, StoredNotification, Submission, Timestamp, TransactionId,
};

/// The state of our own dispatch. Only messages that receiptd sent have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dispatch {
    /// Waiting to be dispatched, for the first time or again.
    Queued,
    /// Being dispatched.
    Sending,
    /// The request was sent and no answer arrived. It is never sent again automatically. A later notification decides
    /// the status.
    Unconfirmed,
    /// The platform accepted and queued it.
    Accepted,
    /// The platform rejected it.
    Rejected,
    /// Cancelled before it was dispatched.
    Cancelled,
    /// Expired before it was dispatched.
    Expired,
}

impl Dispatch {
    /// The status of a message of which only the dispatch is known.
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

    /// The word in the database. It is the word of the status.
    pub fn as_str(self) -> &'static str {
        self.status().as_str()
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Queued, Self::Sending, Self::Unconfirmed, Self::Accepted, Self::Rejected, Self::Cancelled, Self::Expired]
            .into_iter()
            .find(|dispatch| dispatch.as_str() == word)
    }
}

/// One step of our dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DispatchEvent {
    /// When it happened, by the clock of receiptd.
    pub at: Timestamp,
    pub dispatch: Dispatch,
    /// The platform's code, if its answer contained one.
    pub code: Option<String>,
    /// A description of what happened.
    pub reason: Option<String>,
    /// The transaction id that the platform returned.
    pub transaction_id: Option<TransactionId>,
}

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// receiptd.
    Sent,
    /// Another system. receiptd knows the message only from its notifications.
    Observed,
}

impl Origin {
    pub const ALL: [Self; 2] = [Self::Sent, Self::Observed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Observed => "observed",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == word)
    }
}

/// One outbound message and its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub correlation_id: CorrelationId,
    /// The platform's id of the transaction that decided the status, or else of our dispatch.
    pub transaction_id: Option<TransactionId>,
    /// Our dispatch. `None` for an observed message.
    pub dispatch: Option<Dispatch>,
    pub channel: Option<Channel>,
    /// The sender: sender id, address or app id. Known only for messages that receiptd sent.
    pub sender: Option<String>,
    pub recipient: Option<Address>,
    /// Whether notifications name recipients other than `recipient`.
    pub other_recipients: bool,
    /// The data that the sender asked the platform to return with each notification.
    pub callback_data: Option<String>,
    pub status: Status,
    /// Whether the outcome is known.
    pub is_final: bool,
    /// For a failed or rejected message, whether the failure may be temporary.
    pub failure: Option<Failure>,
    /// The code behind the status.
    pub code: Option<String>,
    /// The description behind the status.
    pub reason: Option<String>,
    /// The number of parts into which the message was split.
    pub segments: Option<i64>,
    /// When the status was reached, by the clock of the system that reported it. `None` if no readable time arrived.
    pub status_at: Option<Timestamp>,
    /// When receiptd first knew of the message.
    pub created_at: Timestamp,
    /// When any stored fact about the message last changed.
    pub updated_at: Timestamp,
    /// The number of different notifications about the message.
    pub notification_count: i64,
}

impl Message {
    /// A message that was just accepted for sending.
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

    pub fn origin(&self) -> Origin {
        if self.dispatch.is_some() { Origin::Sent } else { Origin::Observed }
    }

    /// A warning for the sender, in addition to the status.
    pub fn warning(&self) -> Option<&'static str> {
        self.channel.as_ref().filter(|_| self.origin() == Origin::Sent)?.warning()
    }
}

/// A message with everything that is stored about it, read in one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub message: Message,
    /// Its notifications, in no particular order and without their bodies.
    pub notifications: Vec<StoredNotification>,
    /// The steps of our dispatch, in the order in which they were taken.
    pub dispatch: Vec<DispatchEvent>,
}
