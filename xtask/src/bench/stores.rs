//! Measures each database in turn, with a server and a store of its own.

use std::path::Path;

use anyhow::Result;
use temporary_postgres::Server;

use super::lane::{Lane, Variant};
use super::{host, program::Program};
use crate::database::{Scratch, block_on};

/// The databases to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

#[derive(clap::Args)]
pub(crate) struct Stores {
    #[command(flatten)]
    program: Program,
    /// Measure this database only
    #[arg(long, value_enum, value_name = "DATABASE")]
    only: Option<Database>,
}

impl Stores {
    /// Runs `measure` with a server on each database, and prints the lines of the host at the end. The stores are removed,
    /// whatever happens.
    pub(crate) fn each(
        &self,
        settings: &[(&'static str, String)],
        mut measure: impl AsyncFnMut(Lane) -> Result<()>,
    ) -> Result<String> {
        let (binary, work) = self.program.prepare()?;
        let postgres = Server::shared()?;
        block_on(async {
            if self.only != Some(Database::Postgres) {
                measure(Lane::start(Variant::Sqlite, &binary, work.path(), None, settings)?).await?;
            }
            if self.only != Some(Database::Sqlite) {
                let scratch = Scratch::create(postgres, "receiptd_bench").await?;
                let done = on_postgres(&binary, work.path(), &scratch, settings, &mut measure).await;
                scratch.remove().await?;
                done?;
            }
            host::describe(work.path(), &postgres.url("postgres")).await
        })
    }
}

async fn on_postgres(
    binary: &Path,
    folder: &Path,
    scratch: &Scratch<'_>,
    settings: &[(&'static str, String)],
    measure: &mut impl AsyncFnMut(Lane) -> Result<()>,
) -> Result<()> {
    measure(Lane::start(Variant::Postgres, binary, folder, Some(scratch.url()), settings)?).await
}
