//! The connection that writes.

use std::{
    sync::{self, Arc, PoisonError},
    time::Duration,
};

use sqlx::{Sqlite, SqlitePool, pool::PoolConnection};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, watch},
    time::{Instant, sleep, timeout},
};

/// How long maintenance works before it gives way, and for how long. A process that waits for the lock of the file looks for it
/// every tenth of a second, and gets it only if it is free at that moment.
const WORKS_FOR: Duration = Duration::from_millis(400);
const GIVES_WAY_FOR: Duration = Duration::from_millis(120);

/// The only connection that writes. Units of work use it one at a time, in the order in which they come. In between it does not
/// return to its pool, since a pool tests its connections before and after each use, which takes as long as two more
/// statements.
#[derive(Clone, Default)]
pub(super) struct Writer {
    kept: Arc<Mutex<Option<PoolConnection<Sqlite>>>>,
    used: watch::Sender<()>,
    /// When maintenance last began to work, and when it last asked whether to give way.
    maintenance: Arc<sync::Mutex<Option<[Instant; 2]>>>,
}

/// Where a connection returns after a unit of work.
#[derive(Default)]
pub(super) enum Home {
    #[default]
    Pool,
    Writer(OwnedMutexGuard<Option<PoolConnection<Sqlite>>>, watch::Sender<()>),
}

impl Writer {
    /// Waits until it is free, at most as long as for a connection of the pool.
    pub(super) async fn take(&self, pool: &SqlitePool) -> Result<(PoolConnection<Sqlite>, Home), sqlx::Error> {
        let waiting = timeout(pool.options().get_acquire_timeout(), self.kept.clone().lock_owned());
        let mut kept = waiting.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let connection = match kept.take() {
            Some(connection) => connection,
            None => pool.acquire().await?,
        };
        Ok((connection, Home::Writer(kept, self.used.clone())))
    }

    /// Lets other processes write, if maintenance has worked for long without a pause. Otherwise they could wait for the lock until
    /// they give up, since maintenance runs one unit of work after the other.
    pub(super) async fn give_way(&self) {
        let now = Instant::now();
        let is_due = {
            let mut maintenance = self.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
            let worked = maintenance.filter(|[_, last]| now.duration_since(*last) < GIVES_WAY_FOR);
            let began = worked.map_or(now, |[began, _]| began);
            let is_due = now.duration_since(began) > WORKS_FOR;
            *maintenance = (!is_due).then_some([began, now]);
            is_due
        };
        if is_due {
            sleep(GIVES_WAY_FOR).await;
        }
    }

    /// Notifies after it was used.
    pub(super) fn used(&self) -> watch::Receiver<()> {
        self.used.subscribe()
    }

    /// Returns it to its pool as soon as its work is done.
    pub(super) async fn release(&self) {
        self.kept.lock().await.take();
    }
}

impl Home {
    pub(super) fn take_back(self, connection: PoolConnection<Sqlite>) {
        if let Self::Writer(mut kept, used) = self {
            *kept = Some(connection);
            used.send_replace(());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// How long it takes until maintenance has worked a hundred times for this long, with a pause after each time.
    async fn a_hundred_times(work: Duration, pause: Duration) -> Duration {
        let (writer, began) = (Writer::default(), Instant::now());
        for _ in 0..100 {
            writer.give_way().await;
            advance(work).await;
            sleep(pause).await;
        }
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn maintenance_gives_way_unless_it_pauses_by_itself() {
        let work = Duration::from_millis(10);
        assert_eq!(a_hundred_times(work, Duration::ZERO).await, 100 * work + 2 * GIVES_WAY_FOR);
        let long = 100 * (work + GIVES_WAY_FOR);
        assert_eq!(a_hundred_times(work, GIVES_WAY_FOR).await, long);
    }
}
