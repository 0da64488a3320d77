//! The phases of a failure, as they are seen from outside.

use std::{fs, time::Duration};

use harness::{Client, Program, eventually};
use tokio::time::{Instant, sleep_until};

use crate::load::Load;

/// Waits until a failure that began at `since` has lasted longer than any client waits for an answer.
pub(crate) async fn lasts(since: Instant) {
    let seconds = std::env::var("RECEIPTD_TEST_OUTAGE_SECONDS").ok().and_then(|text| text.parse().ok());
    sleep_until(since + Duration::from_secs(seconds.unwrap_or(12))).await;
}

/// A program under load.
pub(crate) struct Scene {
    pub(crate) program: Program,
    pub(crate) client: Client,
    pub(crate) load: Load,
    /// The memory of the program before the failure.
    memory: u64,
}

/// Maximum additional memory during a failure.
const MORE_MEMORY: u64 = 80 << 20;

impl Scene {
    /// Records the state before the failure.
    pub(crate) async fn begins(program: Program, client: Client, load: Load) -> Self {
        let scene = Self { program, client, load, memory: 0 };
        scene.goes_on().await;
        Self { memory: scene.memory(), ..scene }
    }

    /// Notifications are rejected, and the program reports that it is not ready.
    pub(crate) async fn is_out_of_order(&self) {
        let before = self.load.turned_away();
        let turned_away = async || (self.load.turned_away() > before + 10).then_some(());
        eventually("notifications to be rejected", turned_away).await;
        let not_ready = async || {
            let answer = self.client.gets("/health/ready?of=notify").await;
            (answer.status == 503).then(|| answer.asks_to_try_again())
        };
        eventually("the program not to be ready", not_ready).await;
        self.client.gets("/health/live").await.is(200);
        self.needs_no_more_memory();
    }

    /// Notifications are acknowledged, and the program reports that it is ready.
    pub(crate) async fn goes_on(&self) {
        let (before, began) = (self.load.acknowledged(), Instant::now());
        let acknowledged = async || (self.load.acknowledged() > before + 50).then_some(());
        eventually("notifications to be acknowledged", acknowledged).await;
        let ready = async || (self.client.gets("/health/ready").await.status == 200).then_some(());
        eventually("the program to be ready", ready).await;
        eprintln!("it continued after {:?}", began.elapsed());
    }

    /// The resident memory of the process in bytes.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    fn needs_no_more_memory(&self) {
        let memory = self.memory();
        assert!(memory < self.memory + MORE_MEMORY, "{} MiB, {} before", memory >> 20, self.memory >> 20);
    }
}
