//! `receiptd demo`: a server, a simulated platform and messages, without any setup.
//!
//! | File | Holds |
//! | --- | --- |
//! | `story` | the time: several days of traffic, in one of which an operator fails |
//! | `traffic` | the messages: some that receiptd sends, some of other systems |
//! | `display` | the progress, and the closing words |

mod display;
mod story;
mod traffic;

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tracing::Level;
use url::Url;

use super::{client::Client, output, settings::log_filter};
use crate::{
    clock::wall,
    config::{self, Flags},
    lifecycle,
    observe::{self, LogFilter, LogFormat},
    simulator::{self, Simulator},
};

#[derive(clap::Args)]
#[command(
    after_help = "The demo has its own settings. It ignores receiptd.toml and the variables RECEIPTD_…, including RECEIPTD_LISTEN. It \
                  listens on 127.0.0.1:8080, or on a free port if that one is in use, and prints the address."
)]
pub(super) struct Args {
    /// Number of messages
    #[arg(long, value_name = "N", default_value_t = 3000)]
    messages: u64,
    /// Exit after the final table
    #[arg(long)]
    exit: bool,
    /// Seed of the random events. The same seed gives the n-th message the same events
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The port on which the demo listens, if it is free.
const PORT: u16 = 8080;
/// The service key of the simulated platform.
const KEY: &str = "demo-service-key";
/// An hour of the story ends when all of its notifications have arrived.
const NOTIFY_DELAY: Duration = Duration::from_millis(20);

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    observe::init_logging(&log_filter(LogFilter::at_least(Level::ERROR))?, LogFormat::Auto);
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let stop = CancellationToken::new();

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let began = wall();
    let hours = story::hours(args.messages, began);
    // Nothing may happen before its time, so the clock is set before anything starts.
    hours.first().into_iter().for_each(story::set_clock);
    let settings = simulator::Settings {
        seed: args.seed,
        service_key: Some(KEY.to_owned()),
        notify_delay: NOTIFY_DELAY,
        failures: 0.02,
        loss: 0.012,
        outage: Some(story::outage(began)),
        now: story::now,
        ..Default::default()
    };
    let platform = Simulator::bind(listener, settings)?;
    let (platform_url, observer) = (platform.base_url(), platform.observer());

    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let server_url = Url::parse(&format!("http://{}", listener.local_addr()?))?;
    let token = "demo-path-token";
    let database = folder.path().join("demo.db");
    let flags = Flags {
        database_url: Some(format!("sqlite://{}", database.display())),
        public_url: Some(format!("{server_url}notify/{token}")),
        ..Flags::default()
    };
    let environment = [
        ("RECEIPTD_NOTIFY__PATH_TOKEN", token),
        ("RECEIPTD_WEBEX__BASE_URL", &platform_url),
        ("RECEIPTD_WEBEX__SERVICE_KEY", KEY),
        ("RECEIPTD_SEND__IN_FLIGHT", "64"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = config::load(&flags, environment, Some(empty_file(folder.path())?))?;

    let mut platform = tokio::spawn(platform.run(stop.clone()));
    let mut server = tokio::spawn(lifecycle::serve(settings, story::clock(), listener, stop.clone()));

    let submitted = Arc::new(AtomicU64::new(0));
    let client = Client::new(server_url.clone(), None)?;
    let traffic = traffic::Traffic::new(&server_url, &platform_url, token, KEY)?;
    let run_traffic = async {
        let progress = display::Progress::new(args.messages, submitted.clone(), observer.clone());
        let (sent, ()) = tokio::join!(traffic.play(&hours, &submitted, &observer), progress.follow());
        sent?;
        display::close(&client, &server_url, &observer.report()).await
    };
    let finished = tokio::select! {
        finished = run_traffic => finished,
        ended = &mut server => return Err(ended_early("the server", ended)),
        ended = &mut platform => return Err(ended_early("the simulated platform", ended)),
        () = lifecycle::interrupted() => Ok(()),
    };
    if finished.is_ok() && !args.exit {
        output::line("A message is sent every few seconds. Ctrl-C ends the demo and removes its database.");
        tokio::select! {
            () = lifecycle::interrupted() => {}
            ended = traffic.go_on(args.messages) => ended?,
        }
    }
    stop.cancel();
    server.await??;
    platform.await??;
    finished
}

/// Creates an empty settings file, so that the demo does not read `receiptd.toml` in the current folder.
fn empty_file(folder: &std::path::Path) -> anyhow::Result<std::path::PathBuf> {
    let path = folder.join("receiptd.toml");
    std::fs::write(&path, "")?;
    Ok(path)
}

fn ended_early<E: std::fmt::Display>(who: &str, ended: Result<Result<(), E>, tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok(Err(error)) => anyhow::anyhow!("{who} failed: {error}"),
        _ => anyhow::anyhow!("{who} ended early"),
    }
}
