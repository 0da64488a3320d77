//! The way of one request to the notify URL.

use tokio::time::{Instant, timeout_at};

use super::{
    authenticate::{Authentication, Credentials, Denied},
    committer::{Committer, NotStored},
};
use crate::{
    clock::Clock,
    domain::{Arrival, Kept, Recorded, Source},
    observe::{Metrics, NotifyOutcome},
    webex::{Posted, TimeZone},
};

/// Takes what is posted to the notify URL.
#[derive(Clone)]
pub struct Intake {
    /// What is asked of a request.
    pub authentication: Authentication,
    /// The tenant's time zone.
    pub zone: TimeZone,
    /// The way to the disk.
    pub committer: Committer,
    /// The time.
    pub clock: Clock,
    /// Counts what became of it.
    pub metrics: Metrics,
}

/// Why a request is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It may not be believed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It belongs to another API.
    #[error("this is a delivery report of another API (GSMA OneAPI): it has no transid and no code")]
    Foreign,
    /// It is not stored; to be tried again.
    #[error(transparent)]
    NotStored(#[from] NotStored),
    /// It may still be stored, but not in time; to be tried again, which is harmless.
    #[error("the store did not commit in time")]
    Late,
}

impl Intake {
    /// Authenticates and reads a request, and stores nothing.
    pub fn read(&self, shown: &Credentials<'_>, body: &[u8]) -> Result<Posted, Refusal> {
        for (method, position) in self.authentication.check(shown, body)?.methods() {
            self.metrics.authenticated(method, position);
        }
        match Posted::read(body, self.zone) {
            Posted::Foreign => Err(Refusal::Foreign),
            posted => Ok(posted),
        }
    }

    /// Takes a request. `Ok` means that it is on disk. After `deadline` nobody waits for the commit any more.
    pub async fn take(&self, shown: &Credentials<'_>, body: &[u8], deadline: Instant) -> Result<(), Refusal> {
        let result = self.try_take(shown, body, deadline).await;
        self.metrics.notified(match &result {
            Ok(outcome) => *outcome,
            Err(Refusal::Denied(_)) => NotifyOutcome::Unauthorized,
            Err(Refusal::Foreign) => NotifyOutcome::Foreign,
            Err(Refusal::NotStored(NotStored::Busy)) => NotifyOutcome::Busy,
            Err(Refusal::NotStored(NotStored::Unavailable)) => NotifyOutcome::Unavailable,
            Err(Refusal::Late) => NotifyOutcome::Late,
        });
        result.map(|_| ())
    }

    async fn try_take(
        &self,
        shown: &Credentials<'_>,
        body: &[u8],
        deadline: Instant,
    ) -> Result<NotifyOutcome, Refusal> {
        let posted = self.read(shown, body)?;
        let (now, body) = (self.clock.now(), body.to_vec());
        let (outcome, arrival) = match posted {
            Posted::Notification(notification) => {
                let recorded = Recorded::now(*notification, body, Source::Notify, now);
                (NotifyOutcome::Notification, Arrival::Notification(recorded))
            }
            Posted::Inbound(inbound) => {
                (NotifyOutcome::Inbound, Arrival::Inbound(Kept::now(inbound, body, Source::Notify, now)))
            }
            Posted::Unreadable(why) => {
                tracing::warn!(why = why.0, bytes = body.len(), "an authentic request was not understood; it is kept");
                (NotifyOutcome::Quarantined, Arrival::Quarantined(Kept::now(why, body, Source::Notify, now)))
            }
            Posted::Foreign => return Err(Refusal::Foreign),
        };
        timeout_at(deadline, self.committer.commit(arrival)).await.map_err(|_| Refusal::Late)??;
        Ok(outcome)
    }
}
