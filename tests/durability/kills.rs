//! Kills at random moments.

use std::{net::SocketAddr, path::Path, time::Duration};

use harness::stoppable::Stoppable;
use harness::{Program, eventually, program::receiptd};
use rand::{RngExt, rngs::StdRng};
use tokio::time::sleep;

use crate::{chance, length};

/// The program and its database.
pub(crate) struct Victims<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) address: SocketAddr,
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// The Postgres server, if it is killed too.
    pub(crate) server: Option<&'a Stoppable>,
}

impl Victims<'_> {
    /// Repeatedly starts the program, lets it work, and kills it or its database. The program is running at the end.
    /// `progress` increases as work is done. Also returns the number of kills.
    pub(crate) async fn killed_again_and_again(&self, progress: impl Fn() -> usize) -> (Program, usize) {
        let (mut chance, mut kills) = (chance(), 0);
        let mut program = self.start().await;
        for _ in 0..length("RECEIPTD_TEST_KILLS", 5) {
            // During work, and not before some was done, so that the last victim has recovered.
            Self::works(&progress, chance.random_range(1..20)).await;
            sleep(Duration::from_millis(chance.random_range(0..300))).await;
            // The database, the program, or both.
            let mut is_program_next = true;
            if let Some(server) = self.server.filter(|_| chance.random_bool(0.7)) {
                kills += 1;
                server.is_killed().comes_back().await;
                is_program_next = chance.random_bool(0.3);
            }
            if is_program_next {
                drop(program);
                let false_starts = self.false_starts(&mut chance).await;
                kills += 1 + false_starts;
                program = self.start().await;
            }
        }
        Self::works(&progress, 20).await;
        (program, kills)
    }

    async fn works(progress: &impl Fn() -> usize, much: usize) {
        let before = progress();
        eventually("work to be done", async || (progress() >= before + much).then_some(())).await;
    }

    async fn start(&self) -> Program {
        Program::serve(self.folder, self.address, self.settings).await.0
    }

    /// One in three starts is interrupted too. Returns the number of interruptions.
    async fn false_starts(&self, chance: &mut StdRng) -> usize {
        let mut count = 0;
        while chance.random_ratio(1, 3) {
            let mut command = receiptd(self.folder, &["serve", "--listen", &self.address.to_string()]);
            let program = Program::start(command.envs(self.settings.iter().copied()));
            sleep(Duration::from_millis(chance.random_range(0..150))).await;
            drop(program);
            count += 1;
        }
        count
    }
}
