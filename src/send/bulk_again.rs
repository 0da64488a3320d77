//! Sends again what all messages of a filter said, each as a new message. No act sends a message again that this or another
//! act has sent again before, since the first message decides the id of the new one.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    Act, SendError, Sender, Sent,
    again::only_request_again,
    bulk::{AT_A_TIME, BulkAct, BulkProgress, COUNTED, STEP, impossible},
};
use crate::{
    domain::{
        Actor, Cursor, Draft, FieldError, Filter, Message, Origin, Page, PageLimit, Status, Submission, Timestamp,
    },
    storage::{Messages, StorageError, Submissions},
    webex::codes::Resend,
};

/// Whether it can help to send a message again.
pub type Judge = Box<dyn Fn(&Message) -> Resend + Send + Sync>;

/// What sending again would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkAgainPreview {
    /// The id of the act, with which it is done.
    pub act: String,
    /// The messages that can be sent again. Those that an act has sent again before are among them.
    pub count: usize,
    /// Those of them that have arrived, or may have. They are sent only on request.
    pub may_arrive_twice: usize,
    /// Those of them that fail again, unless the cause was corrected.
    pub would_fail_again: usize,
    /// Messages for which it cannot help: they would fail for the same reason, or the recipient has complained.
    pub useless: usize,
    /// Messages that receiptd still sends by itself. They are left out.
    pub under_way: usize,
    /// Messages whose text was erased or purged.
    pub gone: usize,
    /// Messages whose own time has run out: they say something that is no longer wanted.
    pub expired: usize,
    /// Messages that were cancelled. They are left out, unless the filter is about such messages.
    pub cancelled: usize,
    /// Messages of other systems. At most about [`COUNTED`] are counted.
    pub not_ours: usize,
    /// Whether there are more messages than [`COUNTED`], at which the preview did not look.
    pub more: bool,
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkAgainProgress {
    /// New messages.
    pub sent: u64,
    /// Messages that were sent again before, by this act or another one.
    pub already: u64,
    /// Messages that were left out: they may arrive twice, it cannot help, receiptd still sends them, they were cancelled, or
    /// they cannot be sent.
    pub left_out: u64,
    /// Messages that are not valid any more, for example since a rule of the platform has changed.
    pub refused: u64,
    /// Whether nothing is left.
    pub finished: bool,
}

/// Why the act cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum BulkAgainError {
    #[error(transparent)]
    Store(#[from] StorageError),
    #[error(transparent)]
    Send(#[from] SendError),
}

/// What an act needs.
pub struct BulkAgainParts {
    pub messages: Arc<dyn Messages>,
    pub submissions: Arc<dyn Submissions>,
    pub sender: Sender,
    pub actor: Actor,
    pub judge: Judge,
}

/// Sends all messages again that a filter admits.
pub struct BulkAgain {
    parts: BulkAgainParts,
    filter: Filter,
    act: Act,
    /// Also those that may arrive twice.
    even_twice: bool,
    now: Timestamp,
    after: Option<Cursor>,
    progress: BulkAgainProgress,
}

/// What the act does with a message.
enum Fate {
    CanBeSent(Box<Submission>, Resend),
    Useless,
    UnderWay,
    Gone,
    Expired,
    Cancelled,
}

impl BulkAgain {
    /// Takes the messages that `filter` admits and that were known when `act` was planned. `even_twice` includes those that
    /// may arrive twice.
    pub fn new(
        parts: BulkAgainParts,
        filter: Filter,
        act: Act,
        even_twice: bool,
        now: Timestamp,
    ) -> Result<Self, FieldError> {
        if filter.origin == Some(Origin::Observed) {
            return Err(impossible(
                "origin",
                "must be sent, or be left out: another system sends its messages again itself",
            ));
        }
        // What the act itself sends is not meant.
        let end = act.end().min(now);
        let filter = Filter { until: Some(filter.until.map_or(end, |until| until.min(end))), ..filter };
        Ok(Self { parts, filter, act, even_twice, now, after: None, progress: BulkAgainProgress::default() })
    }

    /// Counts what would be sent again, and what cannot.
    pub async fn preview(&self) -> Result<BulkAgainPreview, StorageError> {
        let mut preview = BulkAgainPreview { act: self.act.to_string(), ..BulkAgainPreview::default() };
        let mut counted = 0;
        let mut after = None;
        loop {
            let page = self.page(Origin::Sent, after.as_ref(), PageLimit::MAX).await?;
            counted += page.items.len();
            after = page.next;
            for fate in self.fates(page.items).await? {
                preview.add(&fate);
            }
            if after.is_none() || counted >= COUNTED {
                break;
            }
        }
        preview.more = after.is_some();
        if self.filter.origin.is_none() {
            let mut after = None;
            loop {
                let page = self.page(Origin::Observed, after.as_ref(), PageLimit::MAX).await?;
                preview.not_ours += page.items.len();
                after = page.next;
                if after.is_none() || preview.not_ours >= COUNTED {
                    break;
                }
            }
        }
        Ok(preview)
    }

    async fn page(&self, origin: Origin, after: Option<&Cursor>, limit: u16) -> Result<Page<Message>, StorageError> {
        let filter = Filter { origin: Some(origin), ..self.filter.clone() };
        self.parts.messages.list(&filter, after, PageLimit::new(limit).unwrap_or_default()).await
    }

    async fn fates(&self, messages: Vec<Message>) -> Result<Vec<Fate>, StorageError> {
        let fate = async |message: Message| self.fate(&message).await;
        stream::iter(messages).map(fate).buffered(AT_A_TIME).try_collect().await
    }

    async fn fate(&self, message: &Message) -> Result<Fate, StorageError> {
        if matches!(message.status, Status::Queued | Status::Sending) {
            return Ok(Fate::UnderWay);
        }
        // Somebody did not want it to be sent.
        if message.status == Status::Cancelled && self.filter.status != Some(Status::Cancelled) {
            return Ok(Fate::Cancelled);
        }
        let resend = (self.parts.judge)(message);
        if resend == Resend::Useless {
            return Ok(Fate::Useless);
        }
        let Some(submission) = self.parts.submissions.submission(&message.correlation_id).await? else {
            return Ok(Fate::Gone);
        };
        if submission.expire_at.is_some_and(|end| end <= self.now) {
            return Ok(Fate::Expired);
        }
        Ok(Fate::CanBeSent(Box::new(submission), resend))
    }

    /// The new messages to send in place of these.
    fn drafts(&mut self, fates: Vec<Fate>) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for fate in fates {
            match fate {
                Fate::CanBeSent(submission, resend) if self.even_twice || !resend.may_arrive_twice() => {
                    match Draft::new(only_request_again(&submission)) {
                        Ok(draft) => drafts.push(draft),
                        Err(_) => self.progress.refused += 1,
                    }
                }
                _ => self.progress.left_out += 1,
            }
        }
        drafts
    }
}

impl BulkAct for BulkAgain {
    type Progress = BulkAgainProgress;
    type Error = BulkAgainError;

    async fn step(&mut self) -> Result<BulkAgainProgress, BulkAgainError> {
        let page = self.page(Origin::Sent, self.after.as_ref(), STEP).await?;
        let fates = self.fates(page.items).await?;
        let drafts = self.drafts(fates);
        for accepted in self.parts.sender.accept_all(&self.parts.actor, &drafts).await {
            match accepted {
                Ok(Sent::New(_)) => self.progress.sent += 1,
                // Only what was sent in place of the first message has this id, even if its text was erased since.
                Ok(Sent::Same(_)) | Err(SendError::Conflict(_)) => self.progress.already += 1,
                Err(SendError::Faulty(_) | SendError::KeyTaken(_)) => self.progress.refused += 1,
                Err(error @ (SendError::NotConfigured | SendError::NotConfirmed { .. })) => return Err(error.into()),
            }
        }
        self.after = page.next;
        self.progress.finished = self.after.is_none();
        Ok(self.progress)
    }
}

impl BulkProgress for BulkAgainProgress {
    fn is_finished(&self) -> bool {
        self.finished
    }
}

impl BulkAgainPreview {
    fn add(&mut self, fate: &Fate) {
        match fate {
            Fate::CanBeSent(_, resend) => {
                self.count += 1;
                self.may_arrive_twice += usize::from(resend.may_arrive_twice());
                self.would_fail_again += usize::from(*resend == Resend::Corrected);
            }
            Fate::Useless => self.useless += 1,
            Fate::UnderWay => self.under_way += 1,
            Fate::Gone => self.gone += 1,
            Fate::Expired => self.expired += 1,
            Fate::Cancelled => self.cancelled += 1,
        }
    }
}
