//! The command line, with one file per subcommand. Only this folder prints.
//!
//! | File | Shared by |
//! | --- | --- |
//! | `target`, `client` | commands that work on the database directly, or on a running server over HTTP |
//! | `settings`, `variables` | commands that read the settings and the environment |
//! | `filter`, `pairs` | commands with filters, and the parameters that they become |
//! | `views` | commands with `--view`, and `receiptd views` |
//! | `archive` | `inbound` and `quarantine` |
//! | `bulk` | acts on all messages of a filter: `cancel` and `resend` |
//! | `output`, `output_file` | everything that prints, or writes a file |
//!
//! Exit codes: 0 success, 1 failure, 2 usage error. `EXIT_CODES` is the contract.
//!
//! To add a subcommand, add a file with its `Args` and its `run`, and a line in `Command`.

mod archive;
mod audit;
mod backup;
mod bulk;
mod cancel;
mod check_config;
mod client;
mod demo;
mod erase;
mod export;
mod filter;
mod find;
mod follow;
mod import;
mod inbound;
mod messages;
mod migrate;
mod openapi;
mod output;
mod output_file;
mod pairs;
mod purge;
mod quarantine;
mod rebuild;
mod resend;
mod restore;
mod send;
mod serve;
mod settings;
mod simulate;
mod stats;
mod status;
mod target;
mod variables;
mod views;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  Success. A closed standard output (receiptd messages | head) is not a failure.
  1  Failure: the error says why. Also if a message of `send` was rejected; if with --wait it failed or was not final in
     time; if `audit verify` found something; if `import` understood no row; if the output cannot be written.
  2  Usage error: unknown or missing flags, or invalid values. Nothing was done.";

/// Receives and stores Webex Connect's delivery notifications, and shows the status of every message.
#[derive(Parser)]
#[command(name = "receiptd", version, propagate_version = true, max_term_width = 120, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server: notify URL, REST API, dispatch to the platform
    Serve(serve::Args),
    /// Show everything without any setup: server, simulated platform, a few thousand messages
    Demo(demo::Args),
    /// Run only the simulated Webex Connect
    Simulate(simulate::Args),
    /// Send one message, or a file of messages
    Send(Box<send::Args>),
    /// Cancel a message that is not being dispatched yet, or all such messages of a filter
    Cancel(Box<cancel::Args>),
    /// Send again what the messages of a filter said, each as a new message
    Resend(Box<resend::Args>),
    /// Show one message: its status, its timeline, and the reasons
    Status(status::Args),
    /// Find an id, a number, an address, a code, a notification or a line of a log: what became of the message
    Find(find::Args),
    /// List messages, newest first
    Messages(Box<messages::Args>),
    /// Count messages by channel, status, code, sender, day and hour
    Stats(stats::Args),
    /// List, save and remove filters under a name, for --view of messages, stats and audit
    Views(views::Args),
    /// Export messages, failures, notifications and others as CSV or NDJSON
    Export(Box<export::Args>),
    /// Import notifications that never arrived, from Webex Connect's export of failed ones
    Import(import::Args),
    /// Recompute every status from the stored notifications, for example after a fix of the parser
    Rebuild(rebuild::Args),
    /// List, show and retry bodies that could not be understood
    Quarantine(quarantine::Args),
    /// List and show customers' own messages and events
    Inbound(inbound::Args),
    /// Show who did what, or verify notifications, dispatch steps and statuses (audit verify)
    Audit(Box<audit::Args>),
    /// Remove data whose retention period has ended (serve does this too)
    Purge(purge::Args),
    /// Erase one person everywhere. Counts stay. The exit code is 1 if nothing is stored about the person
    Erase(erase::Args),
    /// Check the settings and show what they mean
    CheckConfig(check_config::Args),
    /// Print the description of the REST API, as OpenAPI 3.1
    Openapi,
    /// Migrate the database's schema (serve does this too)
    Migrate(migrate::Args),
    /// Copy an SQLite database to a file, while the server runs
    Backup(backup::Args),
    /// Verify a backup, and replace the database by it
    Restore(restore::Args),
}

/// Parses the command line, runs the command, and returns its exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return output::usage(&answer),
    };
    // One provider for the whole process. A second call fails, which is harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return output::failed(&error.into()),
    };
    // Tasks that still run when the command ends, such as a request that hangs, are not waited for.
    let result = runtime.block_on(run(cli.command));
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::failed(&error),
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Send(args) => send::run(*args).await,
        Command::Cancel(args) => cancel::run(*args).await,
        Command::Resend(args) => resend::run(*args).await,
        Command::Status(args) => status::run(args).await,
        Command::Find(args) => find::run(args).await,
        Command::Messages(args) => messages::run(*args).await,
        Command::Stats(args) => stats::run(args).await,
        Command::Views(args) => views::run(args).await,
        Command::Export(args) => export::run(*args).await,
        Command::Import(args) => import::run(args).await,
        Command::Rebuild(args) => rebuild::run(args).await,
        Command::Quarantine(args) => quarantine::run(args).await,
        Command::Inbound(args) => inbound::run(args).await,
        Command::Audit(args) => audit::run(*args).await,
        Command::Purge(args) => purge::run(args).await,
        Command::Erase(args) => erase::run(args).await,
        Command::CheckConfig(args) => check_config::run(args).await,
        Command::Openapi => openapi::run(),
        Command::Migrate(args) => migrate::run(args).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Restore(args) => restore::run(args).await,
    }
}
