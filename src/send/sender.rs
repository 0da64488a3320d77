//! Takes messages over for sending.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    clock::Clock,
    domain::{CorrelationId, Draft, Fault},
    storage::{Enqueued, Outbox, StorageError},
};

/// Takes messages over for sending.
#[derive(Clone)]
pub struct Sender {
    outbox: Arc<dyn Outbox>,
    clock: Clock,
    ready: bool,
}

/// What became of a request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is new, and on disk.
    New(CorrelationId),
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

impl Sender {
    /// `ready`: whether there is a platform to send to.
    pub fn new(outbox: Arc<dyn Outbox>, clock: Clock, ready: bool) -> Self {
        Self { outbox, clock, ready }
    }

    /// Checks a message and puts it on disk. From then on it will be handed over once.
    pub async fn accept(&self, draft: &Draft) -> Result<Sent, SendError> {
        let submission = draft.check(fresh_id).map_err(SendError::Faulty)?;
        if !self.ready {
            return Err(SendError::NotConfigured);
        }
        let id = submission.correlation_id.clone();
        match self.outbox.enqueue(&submission, self.clock.now()).await? {
            Enqueued::New => Ok(Sent::New(id)),
            Enqueued::Same => Ok(Sent::Same(id)),
            Enqueued::Conflict => Err(SendError::Conflict(id)),
        }
    }
}

/// Ids that sort by time keep the indexes dense.
fn fresh_id() -> CorrelationId {
    let id = Uuid::now_v7();
    CorrelationId::of_uuid(id.as_bytes())
}
