//! `receiptd send`: one message, or a file of them.
//!
//! | File | Holds |
//! | --- | --- |
//! | `message` | the flags that describe a message |
//! | `direct` | the database as a target: messages are dispatched from here |
//! | `one` | sends one message |
//! | `file/` | sends a file |

mod direct;
mod file;
mod message;
mod one;

use super::target::TargetArgs;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    message: message::MessageArgs,
    #[command(flatten)]
    file: file::FileArgs,
    /// Wait until the status is final
    #[arg(long)]
    wait: bool,
    /// Maximum time to wait after the last message was submitted, in seconds [default: 60 for one message, no limit for
    /// a file]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    if args.file.is_given() { file::run(args).await } else { one::run(args).await }
}
