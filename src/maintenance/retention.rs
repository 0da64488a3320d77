//! Removes data whose retention period has ended, in small steps, so that other work does not wait for it.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::yielding::yielding;
use crate::{
    audit::entry,
    clock::{Clock, ClockJumpDetector},
    domain::{Actor, AuditAction, Timestamp},
    storage::{Retention, RetentionKind, StorageError, Store},
};

/// How long each kind of data is kept; `None` means for ever, or as long as the message that it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Periods {
    /// Raw bodies of notifications.
    pub bodies: Option<Duration>,
    /// Notifications.
    pub notifications: Option<Duration>,
    /// Messages.
    pub messages: Option<Duration>,
    /// Messages and events of customers.
    pub inbound: Option<Duration>,
    /// The quarantine.
    pub quarantine: Option<Duration>,
    /// The audit log.
    pub audit_log: Option<Duration>,
}

impl Periods {
    /// Returns the kinds of data that are not kept for ever.
    fn limited(self) -> impl Iterator<Item = (RetentionKind, Duration)> {
        // Messages come first: what is removed with them need not be removed separately.
        let all = [
            (RetentionKind::Messages, self.messages),
            (RetentionKind::Notifications, self.notifications),
            (RetentionKind::Bodies, self.bodies),
            (RetentionKind::Inbound, self.inbound),
            (RetentionKind::Quarantine, self.quarantine),
            (RetentionKind::AuditLog, self.audit_log),
        ];
        all.into_iter().filter_map(|(kind, period)| Some((kind, period?)))
    }
}

/// How many rows a purge removed, or would remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeView {
    /// `messages`, `notifications`, `bodies`, `inbound`, `quarantine` or `audit`.
    pub kind: String,
    /// The number of rows.
    pub rows: i64,
}

/// Removes data whose retention period has ended.
pub struct Purger {
    retention: Arc<dyn Retention>,
    periods: Periods,
    clock: Clock,
    /// Up to this time, all bodies have been removed, so that these rows need not be read again.
    bodies_up_to: Timestamp,
}

/// The maximum number of rows in one commit: two or three milliseconds of work, for which a notification may have to
/// wait. A message has several rows.
const ROWS: i64 = 30;
const MESSAGES: i64 = 8;
/// How long others have the store to themselves between two commits.
const PAUSE: Duration = Duration::from_millis(10);
/// How often a server purges.
const EVERY: Duration = Duration::from_hours(1);
/// How long after its start a server purges for the first time. Meanwhile, the clock of a machine that has just been
/// started is corrected.
const FIRST: Duration = Duration::from_secs(5);

impl Purger {
    /// Creates a purger for `store`.
    pub fn new(store: &Store, periods: Periods, clock: Clock) -> Self {
        let bodies_up_to = Timestamp::from_micros(i64::MIN);
        Self { retention: store.retention.clone(), periods, clock, bodies_up_to }
    }

    /// Returns what a purge would remove now. The notifications of messages that would be removed completely are
    /// counted too.
    pub async fn preview(&self) -> Result<Vec<PurgeView>, StorageError> {
        let mut views = Vec::new();
        for (kind, period) in self.periods.limited() {
            let rows = self.retention.old(kind, self.clock.now().minus(period)).await?;
            views.push(PurgeView { kind: word(kind).to_owned(), rows });
        }
        Ok(views)
    }

    /// Removes the data whose retention period has ended by now.
    pub async fn purge(&mut self, actor: &Actor) -> Result<Vec<PurgeView>, StorageError> {
        let mut views = Vec::new();
        for (kind, period) in self.periods.limited() {
            let rows = self.purge_kind(kind, self.clock.now().minus(period), actor).await?;
            views.push(PurgeView { kind: word(kind).to_owned(), rows });
        }
        if views.iter().any(|view| view.rows > 0) {
            clear_log(&*self.retention).await;
        }
        Ok(views)
    }

    async fn purge_kind(&mut self, kind: RetentionKind, before: Timestamp, actor: &Actor) -> Result<i64, StorageError> {
        let entry = entry(actor, AuditAction::Purged, &self.clock, Some(word(kind).to_owned()));
        let limit = if kind == RetentionKind::Messages { MESSAGES } else { ROWS };
        let mut from = if kind == RetentionKind::Bodies { self.bodies_up_to } else { Timestamp::from_micros(i64::MIN) };
        let mut rows = 0;
        loop {
            let purged = yielding(|| self.retention.purge(kind, from, before, limit, &entry)).await?;
            if purged.rows == 0 {
                return Ok(rows);
            }
            rows += purged.rows;
            from = purged.up_to.unwrap_or(from);
            if kind == RetentionKind::Bodies {
                self.bodies_up_to = from;
            }
            sleep(PAUSE).await;
        }
    }

    /// Purges regularly until `shutdown`, but not while the clock has just been set. What one purge could not remove,
    /// the next one removes.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let actor = Actor::server();
        if self.periods.limited().next().is_none() {
            return;
        }
        let (mut watched, mut pause) = (ClockJumpDetector::new(self.clock.clone()), FIRST);
        loop {
            tokio::select! { () = &mut shutdown => return, () = sleep(pause) => {} }
            pause = EVERY;
            if watched.was_set() {
                tracing::warn!("the clock was set; nothing is purged until it has run for an hour");
                continue;
            }
            tokio::select! {
                () = &mut shutdown => return,
                purged = self.purge(&actor) => report(purged),
            }
        }
    }
}

/// Clears removed data from the write-ahead log, if the database has one that can be cleared. The removal itself is
/// complete, so a failure is only logged.
pub(super) async fn clear_log(retention: &dyn Retention) {
    let advice = "end long reads of the database and purge or erase again, or stop everything that uses it";
    match retention.truncate_log().await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(advice, "removed data is still in the write-ahead log, which others are reading"),
        Err(error) => {
            let error = crate::observe::causes(&error);
            tracing::warn!(error, advice, "removed data may still be in the write-ahead log");
        }
    }
}

fn report(purged: Result<Vec<PurgeView>, StorageError>) {
    match purged {
        Ok(views) => {
            for PurgeView { kind, rows } in views.into_iter().filter(|view| view.rows > 0) {
                tracing::info!(kind, rows, "purged data whose retention period has ended");
            }
        }
        Err(error) => {
            tracing::error!(error = crate::observe::causes(&error), "the purge failed; it will be retried");
        }
    }
}

fn word(kind: RetentionKind) -> &'static str {
    match kind {
        RetentionKind::Bodies => "bodies",
        RetentionKind::Notifications => "notifications",
        RetentionKind::Messages => "messages",
        RetentionKind::Inbound => "inbound",
        RetentionKind::Quarantine => "quarantine",
        RetentionKind::AuditLog => "audit",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use async_trait::async_trait;
    use tokio::time::{Instant, advance};

    use super::*;
    use crate::{domain::AuditEntry, storage::Purged};

    /// Has nothing to remove, and remembers the time up to which it was asked to remove data.
    #[derive(Default)]
    struct Asked(AtomicI64);

    #[async_trait]
    impl Retention for Asked {
        async fn old(&self, _: RetentionKind, _: Timestamp) -> Result<i64, StorageError> {
            Ok(0)
        }

        async fn purge(
            &self,
            _: RetentionKind,
            _: Timestamp,
            before: Timestamp,
            _: i64,
            _: &AuditEntry,
        ) -> Result<Purged, StorageError> {
            self.0.store(before.as_micros(), Ordering::Relaxed);
            Ok(Purged { rows: 0, up_to: None })
        }

        async fn truncate_log(&self) -> Result<bool, StorageError> {
            Ok(true)
        }

        async fn rewrite_file(&self) -> Result<bool, StorageError> {
            Ok(true)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_removed_by_a_clock_that_has_just_been_set() {
        const YEAR: i64 = 365 * 24 * Timestamp::HOUR;
        let (began, ahead, asked) = (Instant::now(), Arc::new(AtomicI64::new(0)), Arc::new(Asked::default()));
        let shift = ahead.clone();
        let clock = Clock::new(move || Timestamp::from_micros(shift.load(Ordering::Relaxed)).plus(began.elapsed()));
        let periods = Periods { messages: Some(Duration::ZERO), ..Periods::default() };
        let bodies_up_to = Timestamp::default();
        let purger = Purger { retention: asked.clone(), periods, clock, bodies_up_to };
        let purging = tokio::spawn(purger.run(std::future::pending()));
        let hour = async || {
            advance(EVERY).await;
            tokio::task::yield_now().await;
            asked.0.swap(0, Ordering::Relaxed)
        };
        tokio::task::yield_now().await;
        assert!((1..YEAR).contains(&hour().await), "by a clock that goes as time passes");
        ahead.store(50 * YEAR, Ordering::Relaxed);
        assert_eq!(hour().await, 0, "it may be put right again");
        ahead.store(0, Ordering::Relaxed);
        assert_eq!(hour().await, 0, "as it is here");
        assert!((1..YEAR).contains(&hour().await));
        purging.abort();
    }
}
