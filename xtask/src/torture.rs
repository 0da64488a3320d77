//! `cargo xtask torture`: what `cargo xtask test` tries for seconds, tried for minutes.
//!
//! To add a trial: a row in [`TRIALS`]. Its test reads from the environment how much to try, and tries little without.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::builder::{PossibleValue, PossibleValuesParser};
use temporary_postgres::{Server, URL_VARIABLE};

use crate::cargo::{self, Shown, cargo};

/// Try for minutes what the tests try for seconds; the first trial that fails ends it
///
/// It passes when every trial does: each tests the same rules as its short form in `cargo xtask test`, and says how much
/// it tried.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run this trial only; may be repeated
    #[arg(long, value_name = "TRIAL", value_parser = PossibleValuesParser::new(TRIALS.iter().map(Trial::value)))]
    only: Vec<String>,
}

struct Trial {
    name: &'static str,
    /// In the words of the help.
    does: &'static str,
    /// Arguments of cargo.
    arguments: &'static [&'static str],
    /// How much is tried.
    length: &'static [(&'static str, &'static str)],
}

const TRIALS: &[Trial] = &[
    Trial {
        name: "kills",
        does: "Acknowledged notifications survive 200 kills of the program and of Postgres, on each database",
        arguments: &["test", "--release", "--test", "durability", "notifications::", "--", "--nocapture"],
        length: &[("RECEIPTD_TEST_KILLS", "200")],
    },
    Trial {
        name: "sends",
        does: "Each message is sent once through 200 kills of the program and of Postgres, on each database",
        arguments: &["test", "--release", "--test", "durability", "sends::", "--", "--nocapture"],
        length: &[("RECEIPTD_TEST_KILLS", "200")],
    },
    Trial {
        name: "power",
        does: "What was promised is there after a power cut at any of 1000 moments (SQLite)",
        arguments: &["test", "--release", "--test", "durability", "power::", "--", "--nocapture"],
        length: &[("RECEIPTD_TEST_CUTS", "1000")],
    },
    Trial {
        name: "faults",
        does: "Everybody is answered, and nothing is lost, while the database is locked or stopped for a minute",
        arguments: &["test", "--release", "--test", "faults", "--", "--nocapture"],
        length: &[("RECEIPTD_TEST_OUTAGE_SECONDS", "60")],
    },
];

impl Trial {
    fn value(&self) -> PossibleValue {
        PossibleValue::new(self.name).help(self.does)
    }

    fn command(&self) -> Command {
        let mut command = cargo();
        command.args(self.arguments).envs(self.length.iter().copied());
        command
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let chosen = |trial: &&Trial| args.only.is_empty() || args.only.iter().any(|name| name == trial.name);
    let server = Server::shared()?;
    let mut took = Vec::new();
    for trial in TRIALS.iter().filter(chosen) {
        let start = Instant::now();
        let mut command = trial.command();
        command.env(URL_VARIABLE, server.url("postgres"));
        println!("\n==> {}: {}", trial.name, Shown(&command));
        cargo::run(&mut command).with_context(|| format!("the trial `{}` failed", trial.name))?;
        took.push(format!("{} {} s", trial.name, start.elapsed().as_secs()));
    }
    println!("\nall passed: {}", took.join(", "));
    Ok(())
}
