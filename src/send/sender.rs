//! Takes messages over, and calls them back.

use std::sync::Arc;

use super::{check::check, schedule};

use crate::{
    clock::Clock,
    domain::{CorrelationId, Draft, Fault, Message, Timestamp},
    storage::{Cancellation, Enqueued, Entry, Outbox, StorageError},
    webex::{Api, SmsApi},
};

/// Takes messages over, and calls them back.
#[derive(Clone)]
pub struct Sender {
    outbox: Arc<dyn Outbox>,
    clock: Clock,
    sms_api: Option<SmsApi>,
}

/// What became of a request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is new, and on disk; as it was put there.
    New(Box<Message>),
    /// The very same was taken over before. Nothing is sent again.
    Same(CorrelationId),
}

/// Why a request to send is not taken over.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It cannot be sent as it is.
    #[error("the message cannot be sent as it is")]
    Faulty(Vec<Fault>),
    /// The id is another message's.
    #[error("there is another message with the correlation id {0}")]
    Conflict(CorrelationId),
    /// Nothing can be sent from here.
    #[error("sending is not configured: set webex.region (or webex.base_url), webex.service_key and public_url")]
    NotConfigured,
    /// It could not be stored. Nothing was sent.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Sent {
    /// The message's id.
    pub fn id(&self) -> &CorrelationId {
        match self {
            Self::New(message) => &message.correlation_id,
            Self::Same(id) => id,
        }
    }
}

impl Sender {
    /// `sms_api`: by which API text messages go; `None` if there is no platform to send to.
    pub fn new(outbox: Arc<dyn Outbox>, clock: Clock, sms_api: Option<SmsApi>) -> Self {
        Self { outbox, clock, sms_api }
    }

    /// Whether there is a platform to send to. If not, nothing is taken over.
    pub fn is_configured(&self) -> bool {
        self.sms_api.is_some()
    }

    /// By which API text messages go; `None` if there is no platform to send to.
    pub fn sms_api(&self) -> Option<SmsApi> {
        self.sms_api
    }

    /// Checks a message and puts it on disk. From then on it will be handed over once.
    pub async fn accept(&self, draft: &Draft) -> Result<Sent, SendError> {
        let outcomes = self.accept_all(std::slice::from_ref(draft)).await?;
        outcomes.into_iter().next().unwrap_or(Err(SendError::NotConfigured))
    }

    /// The same for several, all in one commit; for each, in the same order, what became of it. If the commit fails,
    /// none of them is taken over.
    pub async fn accept_all(&self, drafts: &[Draft]) -> Result<Vec<Result<Sent, SendError>>, StorageError> {
        let now = self.clock.now();
        let mut outcomes = Vec::with_capacity(drafts.len());
        let mut entries = Vec::with_capacity(drafts.len());
        for draft in drafts {
            match self.entry(draft, now).await? {
                Ok(entry) => {
                    outcomes.push(None);
                    entries.push(entry);
                }
                Err(decided) => outcomes.push(Some(decided)),
            }
        }
        let enqueued = if entries.is_empty() { Vec::new() } else { self.outbox.enqueue(&entries, now).await? };
        let mut taken = entries.into_iter().zip(enqueued).map(|(Entry { submission, .. }, enqueued)| match enqueued {
            Enqueued::New => Ok(Sent::New(Box::new(Message::queued(&submission, now)))),
            Enqueued::Same => Ok(Sent::Same(submission.correlation_id)),
            Enqueued::Conflict => Err(SendError::Conflict(submission.correlation_id)),
        });
        Ok(outcomes.into_iter().filter_map(|decided| decided.or_else(|| taken.next())).collect())
    }

    /// Calls a message back, if it is not yet being handed over.
    pub async fn cancel(&self, id: &CorrelationId) -> Result<Cancellation, StorageError> {
        self.outbox.cancel(id, self.clock.now()).await
    }

    /// What is to be put on disk, or what is decided already.
    async fn entry(
        &self,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<Result<Entry, Result<Sent, SendError>>, StorageError> {
        let submission = match check(draft, Some(self.sms_api.unwrap_or_default())) {
            Ok(submission) => submission,
            Err(faults) => return Ok(Err(Err(SendError::Faulty(faults)))),
        };
        let Some(sms_api) = self.sms_api else { return Ok(Err(Err(SendError::NotConfigured))) };
        match schedule::due(Api::of_submission(&submission, sms_api), &submission, now) {
            Ok(due_at) => Ok(Ok(Entry { submission, due_at })),
            // It may have been in time when it first came.
            Err(fault) => Ok(Err(match self.outbox.compare(&submission).await? {
                None => Err(SendError::Faulty(vec![fault])),
                Some(Enqueued::Conflict) => Err(SendError::Conflict(submission.correlation_id)),
                Some(Enqueued::New | Enqueued::Same) => Ok(Sent::Same(submission.correlation_id)),
            })),
        }
    }
}
