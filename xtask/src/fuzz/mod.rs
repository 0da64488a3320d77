//! `cargo xtask fuzz`: the fuzzers of `fuzz/`. They begin with what the samples of the tests hold, with `fuzz/seeds`, and with
//! what earlier runs on this machine found (`fuzz/corpus`).
//!
//! To add a target: a file in `fuzz/fuzz_targets`, its `[[bin]]` in `fuzz/Cargo.toml`, and a variant of [`Target`] with what it
//! begins with.

mod seeds;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::cargo::{self, cargo, root};

/// Run the fuzzers, each for some time
///
/// They need cargo-fuzz (`cargo install cargo-fuzz --locked`) and any toolchain, since they look for panics, for broken
/// promises, for slowness and for memory, not for undefined behaviour: no code of ours is unsafe. What is found ends the run and lies
/// in fuzz/artifacts. INITED in the output tells how much code the inputs at the beginning reach (cov), DONE how much those at the
/// end.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run this one only; may be repeated
    #[arg(long, value_enum, value_name = "TARGET")]
    target: Vec<Target>,
    /// For how long each runs
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u32,
    /// Afterwards, keep in fuzz/seeds the inputs that add most to the code which the samples reach
    #[arg(long)]
    keep: bool,
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
    /// The same bodies in every kind of such files
    Dialects,
    /// Messages to send, one a line
    Send,
}

/// One input may take so long, in seconds.
const TIMEOUT: u32 = 5;
/// So much memory in all, in megabytes. The targets themselves hold some hundred.
const MEMORY: u32 = 1024;
/// No input is longer, in bytes.
const LONGEST: u32 = 65536;
/// So many inputs are kept of each target, none of them longer than this, so that they are no burden to the repository.
const KEPT: usize = 20;
const LONGEST_KEPT: u64 = 2048;

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
            Self::Dialects => seeds::dialects(),
            Self::Send => seeds::messages(),
        }
    }

    /// What earlier runs found.
    fn corpus(self) -> PathBuf {
        root().join("fuzz/corpus").join(self.name())
    }

    /// What was kept of it for everybody.
    fn kept(self) -> PathBuf {
        root().join("fuzz/seeds").join(self.name())
    }

    /// Writes the samples into a folder.
    fn write_samples(self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        for (n, seed) in self.seeds()?.into_iter().enumerate() {
            fs::write(folder.join(format!("sample-{n:03}")), seed)?;
        }
        Ok(())
    }

    /// The fuzzer with these folders, of which it writes to the first.
    fn command(self, folders: &[&Path]) -> Result<Command> {
        let words = root().join("fuzz/corpus/words");
        fs::write(&words, seeds::dictionary()?)?;
        let mut command = cargo();
        // Sanitizers would need a nightly toolchain.
        command.current_dir(root().join("fuzz")).args(["fuzz", "run", "--sanitizer", "none", &self.name()]);
        command.args(folders.iter().filter(|folder| folder.exists())).arg("--");
        command.args([format!("-timeout={TIMEOUT}"), format!("-rss_limit_mb={MEMORY}"), format!("-max_len={LONGEST}")]);
        command.arg(format!("-dict={}", words.display()));
        Ok(command)
    }

    fn run(self, seconds: u32) -> Result<()> {
        self.write_samples(&self.corpus())?;
        let mut command = self.command(&[&self.corpus(), &self.kept()])?;
        cargo::run(command.args([&format!("-max_total_time={seconds}"), "-print_final_stats=1"]))
    }

    /// Keeps the inputs that add most to what the samples reach.
    fn keep(self) -> Result<()> {
        let found = tempfile::tempdir()?;
        self.write_samples(found.path())?;
        let mut command = self.command(&[found.path(), &self.kept(), &self.corpus()])?;
        // How often a line is reached would make almost every input another.
        cargo::run(command.args(["-set_cover_merge=1", "-use_counters=0"]))?;
        let mut inputs = Vec::new();
        for entry in fs::read_dir(found.path())? {
            let entry = entry?;
            let (name, about) = (entry.file_name(), entry.metadata()?);
            if !name.to_string_lossy().starts_with("sample-") && about.len() <= LONGEST_KEPT {
                inputs.push((about.modified()?, name));
            }
        }
        // They are written in the order of how much they add.
        inputs.sort();
        let kept = self.kept();
        if kept.exists() {
            fs::remove_dir_all(&kept)?;
        }
        fs::create_dir_all(&kept)?;
        for (_, name) in inputs.iter().take(KEPT) {
            fs::copy(found.path().join(name), kept.join(name))?;
        }
        Ok(())
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let present = cargo().args(["fuzz", "--version"]).output().is_ok_and(|output| output.status.success());
    ensure!(present, "there is no cargo-fuzz; `cargo install cargo-fuzz --locked` installs it");
    let chosen = |target: &&Target| args.target.is_empty() || args.target.contains(target);
    for target in Target::value_variants().iter().filter(chosen) {
        target.run(args.seconds).with_context(|| {
            format!(
                "the fuzzer {} found something: the input lies in fuzz/artifacts; mend it, and make a test of it",
                target.name()
            )
        })?;
        if args.keep {
            target.keep()?;
        }
    }
    Ok(())
}
