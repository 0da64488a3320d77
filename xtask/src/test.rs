//! `cargo xtask test`: what a change has to pass, in the order in which it fails fastest.
//!
//! To add a step: a variant of [`Step`], its command and its advice.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;
use temporary_postgres::{Server, URL_VARIABLE};

use crate::cargo::{self, Shown, cargo};
use crate::{deny, prepare, schemathesis};

/// Run every check that a change has to pass, on a fresh machine too
///
/// Postgres is installed if it is missing, and one temporary server is started for all steps. Stops at the first step
/// that fails.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run this step only; may be repeated
    #[arg(long, value_enum, value_name = "STEP")]
    only: Vec<Step>,
    /// In the step `deny`, fetch RustSec's database too, and fail on what it says of the dependencies
    #[arg(long)]
    advisories: bool,
    /// For the last step, as in `cargo xtask test --only test -- storage::`
    #[arg(last = true, value_name = "CARGO TEST ARGUMENTS")]
    passed_on: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// The layout of the code
    Fmt,
    /// The dependencies: licences, advisories, bans, sources
    Deny,
    /// The lints, with warnings as errors
    Clippy,
    /// The fuzzers, which are not part of the workspace: whether they compile
    Fuzzers,
    /// The cache of checked queries
    Prepare,
    /// The documentation, with warnings as errors
    Doc,
    /// The tests
    Test,
    /// The API against its description
    Schemathesis,
}

impl Step {
    /// The command line; none for what is done in this process.
    fn command(self) -> Result<Option<Command>> {
        let mut command = cargo();
        match self {
            Self::Fmt => command.args(["fmt", "--all", "--check"]),
            Self::Clippy => command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
            Self::Deny | Self::Prepare | Self::Schemathesis => return Ok(None),
            Self::Fuzzers => command
                .args(["check", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target-dir"])
                .arg(cargo::target_folder()?),
            Self::Doc => command
                .args(["doc", "--workspace", "--no-deps", "--document-private-items"])
                .env("RUSTDOCFLAGS", "-D warnings"),
            Self::Test => command.args(["test", "--workspace"]),
        };
        Ok(Some(command))
    }

    /// What to do about a failure.
    fn advice(self) -> &'static str {
        match self {
            Self::Fmt => "`cargo fmt --all` lays the code out",
            Self::Deny => "take another crate, or allow this one in deny.toml, with the reason",
            Self::Clippy => {
                "mend what it names; where a lint is wrong, `#[expect(…, reason = \"…\")]`. Where it speaks of cached \
                 data for a query: `cargo xtask prepare`"
            }
            Self::Fuzzers => {
                "use the new names in fuzz/fuzz_targets; after a change of a dependency, run it without `--locked`"
            }
            Self::Prepare => "after a change of a query or a migration: `cargo xtask prepare`, and commit its result",
            Self::Doc => "mend the links and code blocks that it names",
            Self::Test => "again, alone: `cargo xtask test --only test -- NAME`; the failing names are above",
            Self::Schemathesis => {
                "each finding is above with a `curl` that shows it; the description is in the JSON files of src/http/routes/ and src/http/openapi/"
            }
        }
    }

    fn needs_postgres(self) -> bool {
        matches!(self, Self::Prepare | Self::Test)
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let chosen = |step: &Step| args.only.is_empty() || args.only.contains(step);
    let steps: Vec<Step> = Step::value_variants().iter().copied().filter(chosen).collect();
    // First of all, since what is missing on a machine had better be known before the long steps.
    let server = if steps.iter().any(|step| step.needs_postgres()) { Some(Server::shared()?) } else { None };
    let mut took = Vec::new();
    for step in steps {
        let name = format!("{step:?}").to_lowercase();
        let start = Instant::now();
        let command = step.command()?.map(|mut command| {
            if step == Step::Test {
                command.args(&args.passed_on);
            }
            if let Some(server) = server {
                command.env(URL_VARIABLE, server.url("postgres"));
            }
            command
        });
        let done = if let Some(mut command) = command {
            println!("\n==> {name}: {}", Shown(&command));
            cargo::run(&mut command)
        } else if step == Step::Deny {
            println!("\n==> {name}: cargo deny check");
            deny::run(args.advisories)
        } else if step == Step::Schemathesis {
            println!("\n==> {name}: cargo xtask schemathesis");
            schemathesis::run(&schemathesis::Args::default())
        } else {
            println!("\n==> {name}: cargo xtask prepare --check");
            prepare::run(&prepare::Args { check: true })
        };
        done.with_context(|| format!("the step `{name}` failed. What to do: {}.\nThe cause", step.advice()))?;
        took.push(format!("{name} {} s", start.elapsed().as_secs()));
    }
    println!("\nall passed: {}", took.join(", "));
    Ok(())
}
