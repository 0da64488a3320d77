//! `cargo xtask bench`: measurements whose tables go into docs/benchmarks.md.
//!
//! What is compared is measured in one run, in turns, so that whatever else the machine does hits all alike.

mod body;
mod burst;
mod client;
mod fill;
mod growth;
mod host;
mod idle;
mod lane;
mod load;
mod notify;
mod overload;
mod pace;
mod plot;
mod program;
mod report;
mod send;
pub(crate) mod server;
mod stores;
mod sustained;
mod trend;

use std::os::unix::process::CommandExt;

use anyhow::Result;

use crate::cargo::cargo;

/// Measure the speed of the release build and print a table in Markdown
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    Notify(notify::Args),
    Burst(burst::Args),
    Overload(overload::Args),
    Growth(growth::Args),
    Idle(idle::Args),
    Send(send::Args),
}

pub(crate) fn run(args: Args) -> Result<()> {
    // The load generator shares its cores with what it measures, so it has to be optimised too.
    if cfg!(debug_assertions) {
        let again = ["run", "--release", "--package", "xtask", "--"];
        return Err(cargo().args(again).args(std::env::args_os().skip(1)).exec().into());
    }
    match args.what {
        What::Notify(args) => notify::run(&args),
        What::Burst(args) => burst::run(&args),
        What::Overload(args) => overload::run(&args),
        What::Growth(args) => growth::run(&args),
        What::Idle(args) => idle::run(&args),
        What::Send(args) => send::run(&args),
    }
}
