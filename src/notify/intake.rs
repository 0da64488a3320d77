//! Processes one request to the notify URL.

use tokio::time::{Instant, timeout_at};

use super::{
    authenticate::{Authentication, Credentials, Denied},
    committer::{Committer, NotStored},
};
use crate::{
    clock::Clock,
    domain::{Archived, Arrival, Source},
    observe::{Metrics, NotifyOutcome},
    webex::{Posted, TimeZone, signature},
};

/// Receives what is posted to the notify URL.
#[derive(Clone)]
pub struct Intake {
    /// What a request must prove.
    pub authentication: Authentication,
    /// The tenant's time zone.
    pub zone: TimeZone,
    /// Stores what was received.
    pub committer: Committer,
    /// The time.
    pub clock: Clock,
    /// Counts the outcomes.
    pub metrics: Metrics,
}

/// The reason why a request is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not authentic.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It belongs to another API.
    #[error("this is a delivery report of another API (GSMA OneAPI): it has no transid and no code")]
    Foreign,
    /// It is not stored. The sender should try again.
    #[error(transparent)]
    NotStored(#[from] NotStored),
    /// It was not stored in time, and may still be. The sender should try again, which is harmless.
    #[error("the store did not commit in time")]
    Late,
}

impl Intake {
    /// Authenticates and reads a request, and stores nothing. If the body is an array, each element is a part.
    pub fn read<'a>(&self, shown: &Credentials<'_>, body: &'a [u8]) -> Result<Vec<(Posted, &'a [u8])>, Refusal> {
        for (method, position) in self.authentication.check(shown, body)?.methods() {
            self.metrics.authenticated(method, position);
        }
        let read = Posted::read_all(body, self.zone);
        if read.iter().any(|(posted, _)| matches!(posted, Posted::Foreign)) { Err(Refusal::Foreign) } else { Ok(read) }
    }

    /// Receives a request. `Ok` means that all of it is on disk. After `deadline`, the request no longer waits for the
    /// commit.
    pub async fn take(&self, shown: &Credentials<'_>, body: &[u8], deadline: Instant) -> Result<(), Refusal> {
        let result = self.try_take(shown, body, deadline).await;
        let outcomes = match &result {
            Ok(outcomes) => outcomes.as_slice(),
            Err(Refusal::Denied(_)) => &[NotifyOutcome::Unauthorized],
            Err(Refusal::Foreign) => &[NotifyOutcome::Foreign],
            Err(Refusal::NotStored(NotStored::Busy)) => &[NotifyOutcome::Busy],
            Err(Refusal::NotStored(NotStored::Unavailable)) => &[NotifyOutcome::Unavailable],
            Err(Refusal::Late) => &[NotifyOutcome::Late],
        };
        for outcome in outcomes {
            self.metrics.notified(*outcome);
        }
        result.map(|_| ())
    }

    async fn try_take(
        &self,
        shown: &Credentials<'_>,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Vec<NotifyOutcome>, Refusal> {
        let (read, now) = (self.read(shown, body)?, self.clock.now());
        // The signature is that of the whole body, so it says nothing about an element of an array alone.
        let is_whole = read.iter().all(|(_, part)| part.len() == body.len());
        let signature = shown.signature.filter(|_| is_whole).and_then(signature::read);
        let arrival = |(posted, body): (Posted, &[u8])| {
            posted.arrival(body.to_vec(), Source::Notify, now).signed(signature.clone())
        };
        let arrivals: Vec<Arrival> = read.into_iter().map(arrival).collect();
        let outcomes = arrivals.iter().map(outcome).collect();
        timeout_at(deadline, self.committer.commit(arrivals)).await.map_err(|_| Refusal::Late)??;
        Ok(outcomes)
    }
}

fn outcome(arrival: &Arrival) -> NotifyOutcome {
    match arrival {
        Arrival::Notification(_) => NotifyOutcome::Notification,
        Arrival::Inbound(_) => NotifyOutcome::Inbound,
        Arrival::Quarantined(Archived { what, body, .. }) => {
            tracing::warn!(
                why = what.0,
                bytes = body.len(),
                "an authenticated request was not understood; it is stored in quarantine"
            );
            NotifyOutcome::Quarantined
        }
    }
}
