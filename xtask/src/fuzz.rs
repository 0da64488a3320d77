//! `cargo xtask fuzz`: the fuzzers of `fuzz/`, which begin with what the samples of the tests hold.
//!
//! To add a target: a file in `fuzz/fuzz_targets`, its `[[bin]]` in `fuzz/Cargo.toml`, and a variant of [`Target`] with what it
//! begins with.

mod seeds;

use std::fs;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::cargo::{self, cargo, root};

/// Run the fuzzers, each for some time
///
/// They need cargo-fuzz (`cargo install cargo-fuzz --locked`) and any toolchain, since they look for panics, for broken
/// promises, for slowness and for memory, not for undefined behaviour: no code of ours is unsafe. What is found ends the run and lies
/// in fuzz/artifacts.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run this one only; may be repeated
    #[arg(long, value_enum, value_name = "TARGET")]
    target: Vec<Target>,
    /// For how long each runs
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u32,
}

/// The name of a target in `fuzz/Cargo.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Bodies posted to the notify URL
    Notification,
    /// Bodies that are arrays
    Arrays,
    /// Times of events
    Times,
    /// Signatures of such bodies
    Signature,
    /// Queries and cursors
    Filters,
    /// Phone numbers and other addresses
    Number,
    /// Files of notifications that never arrived
    Import,
    /// Messages to send, one a line
    Send,
}

/// One input may take so long, in seconds.
const TIMEOUT: u32 = 5;
/// So much memory in all, in megabytes. The targets themselves hold some hundred.
const MEMORY: u32 = 1024;

impl Target {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Inputs to begin with.
    fn seeds(self) -> Result<Vec<Vec<u8>>> {
        match self {
            Self::Notification => seeds::bodies(),
            Self::Arrays => seeds::arrays(),
            Self::Times => Ok(seeds::times()),
            Self::Signature => seeds::signed(),
            Self::Filters => Ok(seeds::queries()),
            Self::Number => Ok(seeds::numbers()),
            Self::Import => seeds::files(),
            Self::Send => seeds::messages(),
        }
    }

    /// Puts the seeds to what was found in earlier runs.
    fn fill(self) -> Result<()> {
        let folder = root().join("fuzz/corpus").join(self.name());
        fs::create_dir_all(&folder)?;
        for (n, seed) in self.seeds()?.into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{n:03}")), seed)?;
        }
        Ok(())
    }

    fn run(self, seconds: u32) -> Result<()> {
        let mut command = cargo();
        // Sanitizers would need a nightly toolchain.
        command.current_dir(root().join("fuzz")).args(["fuzz", "run", "--sanitizer", "none", &self.name(), "--"]);
        command.args([format!("-max_total_time={seconds}"), format!("-timeout={TIMEOUT}")]);
        command.args([&format!("-rss_limit_mb={MEMORY}"), "-print_final_stats=1", "-max_len=65536"]);
        cargo::run(&mut command)
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let present = cargo().args(["fuzz", "--version"]).output().is_ok_and(|output| output.status.success());
    ensure!(present, "there is no cargo-fuzz; `cargo install cargo-fuzz --locked` installs it");
    let chosen = |target: &&Target| args.target.is_empty() || args.target.contains(target);
    for target in Target::value_variants().iter().filter(chosen) {
        target.fill()?;
        target.run(args.seconds).with_context(|| {
            format!(
                "the fuzzer {} found something: the input lies in fuzz/artifacts; mend it, and make a test of it",
                target.name()
            )
        })?;
    }
    Ok(())
}
