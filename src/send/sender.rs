//! Accepts messages and cancels them.

use std::sync::Arc;

use super::{check::check, schedule};

use crate::{
    clock::Clock,
    detached::detached,
    domain::{Actor, CorrelationId, Draft, FieldError, IdempotencyKey, Message, Submission, Timestamp},
    storage::{Cancellation, EnqueueResult, Outbox, OutboxEntry, RequestKey, StorageError},
    webex::{Api, SmsApi},
};

/// Accepts messages and cancels them.
#[derive(Clone)]
pub struct Sender {
    outbox: Arc<dyn Outbox>,
    clock: Clock,
    sms_api: Option<SmsApi>,
}

/// The result of a request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The message is new. This is how it was stored.
    New(Box<Message>),
    /// The same message was accepted before. It is not sent again.
    Same(CorrelationId),
}

/// The reason why a request to send was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The message is not valid.
    #[error("the message is not valid")]
    Faulty(Vec<FieldError>),
    /// The correlation id belongs to another message.
    #[error("another message has the correlation id {0}")]
    Conflict(CorrelationId),
    /// The idempotency key belongs to another request.
    #[error("another message was sent with this Idempotency-Key, {0}")]
    KeyTaken(CorrelationId),
    /// There is no platform to send to.
    #[error("sending is not configured: set webex.region (or webex.base_url), webex.service_key and public_url")]
    NotConfigured,
    /// The store did not confirm that it has the message. The same message with this id is never sent twice.
    #[error("the store did not confirm the message {id}; send it again with this correlation id: it is sent only once")]
    NotConfirmed {
        /// The id that the caller gave, or that was generated.
        id: CorrelationId,
        /// The error of the store.
        #[source]
        source: Arc<StorageError>,
    },
}

/// A request that passed the check.
enum Prepared {
    /// It goes into the outbox, unless it is there already.
    ToEnqueue(Box<OutboxEntry>),
    /// Its times are no longer valid, but it was accepted before.
    Known(Sent),
}

impl SendError {
    fn not_confirmed(id: CorrelationId, source: &Arc<StorageError>) -> Self {
        Self::NotConfirmed { id, source: source.clone() }
    }
}

impl Sent {
    /// The id of the message.
    pub fn id(&self) -> &CorrelationId {
        match self {
            Self::New(message) => &message.correlation_id,
            Self::Same(id) => id,
        }
    }
}

impl Sender {
    /// `sms_api` is the API that text messages are sent with; `None` if there is no platform to send to.
    pub fn new(outbox: Arc<dyn Outbox>, clock: Clock, sms_api: Option<SmsApi>) -> Self {
        Self { outbox, clock, sms_api }
    }

    /// Returns whether there is a platform to send to. Without one, no message is accepted.
    pub fn is_configured(&self) -> bool {
        self.sms_api.is_some()
    }

    /// The API that text messages are sent with; `None` if there is no platform to send to.
    pub fn sms_api(&self) -> Option<SmsApi> {
        self.sms_api
    }

    /// Checks a message and stores it. From then on, it will be dispatched once. The same commit adds an entry for
    /// `actor` to the audit log. With a `key`, the same draft by the same actor counts as the same message, even if it
    /// contains no id.
    pub async fn accept(&self, actor: &Actor, draft: &Draft, key: Option<IdempotencyKey>) -> Result<Sent, SendError> {
        let accepted = self.accept_each(actor, vec![(draft, key)]).await;
        accepted.into_iter().next().unwrap_or(Err(SendError::NotConfigured))
    }

    /// Accepts several messages in one commit, and returns a result for each, in the same order. The commit completes
    /// even if the caller goes away.
    pub async fn accept_all(&self, actor: &Actor, drafts: &[Draft]) -> Vec<Result<Sent, SendError>> {
        self.accept_each(actor, drafts.iter().map(|draft| (draft, None)).collect()).await
    }

    async fn accept_each(
        &self,
        actor: &Actor,
        requests: Vec<(&Draft, Option<IdempotencyKey>)>,
    ) -> Vec<Result<Sent, SendError>> {
        let now = self.clock.now();
        let (mut outcomes, mut entries) = (Vec::new(), Vec::new());
        for (draft, key) in requests {
            outcomes.push(match self.prepare(actor, draft, key, now).await {
                Ok(Prepared::ToEnqueue(entry)) => {
                    entries.push(*entry);
                    None
                }
                Ok(Prepared::Known(sent)) => Some(Ok(sent)),
                Err(error) => Some(Err(error)),
            });
        }
        let mut enqueued = self.enqueue(actor, entries, now).await.into_iter();
        outcomes.into_iter().filter_map(|outcome| outcome.or_else(|| enqueued.next())).collect()
    }

    /// Checks a message and its times.
    async fn prepare(
        &self,
        actor: &Actor,
        draft: &Draft,
        key: Option<IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Prepared, SendError> {
        let submission = check(draft, Some(self.sms_api.unwrap_or_default())).map_err(SendError::Faulty)?;
        let sms_api = self.sms_api.ok_or(SendError::NotConfigured)?;
        let due = schedule::due(Api::of_submission(&submission, sms_api), &submission, now);
        let key = key.map(|key| RequestKey { key, is_id_drawn: !draft.names_its_id() });
        let entry = OutboxEntry { submission, due_at: *due.as_ref().unwrap_or(&now), key };
        let Err(time_error) = due else { return Ok(Prepared::ToEnqueue(Box::new(entry))) };
        // The times may have been valid when the message was first received.
        let id = &entry.submission.correlation_id;
        match self.outbox.compare(&entry, actor).await {
            Ok(None) => Err(SendError::Faulty(vec![time_error])),
            Ok(Some(known)) => known_request(known, id).map(Prepared::Known),
            Err(error) => Err(SendError::not_confirmed(id.clone(), &Arc::new(error))),
        }
    }

    /// Stores entries in the outbox.
    async fn enqueue(&self, actor: &Actor, entries: Vec<OutboxEntry>, now: Timestamp) -> Vec<Result<Sent, SendError>> {
        if entries.is_empty() {
            return Vec::new();
        }
        let (outbox, actor, entries) = (self.outbox.clone(), actor.clone(), Arc::new(entries));
        let enqueuing = {
            let entries = entries.clone();
            detached(async move { outbox.enqueue(&entries, now, &actor).await })
        };
        let submissions = entries.iter().map(|entry| &entry.submission);
        match enqueuing.await {
            Ok(enqueued) => {
                let outcome = |(submission, enqueued): (&Submission, _)| match enqueued {
                    EnqueueResult::New => Ok(Sent::New(Box::new(Message::queued(submission, now)))),
                    known => known_request(known, &submission.correlation_id),
                };
                submissions.zip(enqueued).map(outcome).collect()
            }
            Err(error) => {
                tracing::error!(error = crate::observe::causes(&error), "messages could not be stored for sending");
                let error = Arc::new(error);
                let failed =
                    |submission: &Submission| Err(SendError::not_confirmed(submission.correlation_id.clone(), &error));
                submissions.map(failed).collect()
            }
        }
    }

    /// Cancels a message, unless it is being dispatched already. The same commit adds an entry for `actor` to the audit
    /// log.
    pub async fn cancel(&self, actor: &Actor, id: &CorrelationId) -> Result<Cancellation, StorageError> {
        let (outbox, actor, id, now) = (self.outbox.clone(), actor.clone(), id.clone(), self.clock.now());
        detached(async move { outbox.cancel(&id, now, &actor).await }).await
    }
}

/// Returns the result of a request whose id or key is known already.
fn known_request(known: EnqueueResult, id: &CorrelationId) -> Result<Sent, SendError> {
    match known {
        EnqueueResult::New | EnqueueResult::Same => Ok(Sent::Same(id.clone())),
        EnqueueResult::SameByKey(id) => Ok(Sent::Same(id)),
        EnqueueResult::Conflict => Err(SendError::Conflict(id.clone())),
        EnqueueResult::KeyTaken(id) => Err(SendError::KeyTaken(id)),
    }
}
