//! The developer commands of receiptd; `cargo xtask --help` lists them.
//!
//! To add a command: a module with its arguments (a `clap::Args`) and a `run`, and one line in each half of the table
//! below. It must not depend on the library `receiptd`, since it may be what mends it.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "commands talk to the person who runs them")]

mod bench;
mod cargo;
mod database;
mod deny;
mod fuzz;
mod prepare;
mod schemathesis;
mod test;
mod torture;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The developer commands of receiptd")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Test(test::Args),
    Torture(torture::Args),
    Prepare(prepare::Args),
    Schemathesis(schemathesis::Args),
    Bench(bench::Args),
    Fuzz(fuzz::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Test(args) => test::run(&args),
        Command::Torture(args) => torture::run(&args),
        Command::Prepare(args) => prepare::run(&args),
        Command::Schemathesis(args) => schemathesis::run(&args),
        Command::Bench(args) => bench::run(args),
        Command::Fuzz(args) => fuzz::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
