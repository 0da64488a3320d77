//! `receiptd simulate`

use std::{net::TcpListener, num::NonZeroU32, time::Duration};

use anyhow::Context;
use tracing::Level;

use super::{output, settings::log_filter, variables::secret};
use crate::{
    lifecycle,
    observe::{self, LogFilter, LogFormat},
    simulator::{Settings, Simulator},
};

const KEY: &str = "Accept only this service key  [env: RECEIPTD_SIMULATE_KEY, RECEIPTD_SIMULATE_KEY_FILE]";
const SECRET: &str =
    "Sign notifications with this secret  [env: RECEIPTD_SIMULATE_SECRET, RECEIPTD_SIMULATE_SECRET_FILE]";

#[derive(clap::Args)]
pub(super) struct Args {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: String,
    /// Seed of the random events. The same seed gives the n-th message the same events
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, value_name = "KEY", help = KEY)]
    service_key: Option<String>,
    #[arg(long, value_name = "SECRET", help = SECRET)]
    hub_secret: Option<String>,
    /// Time until a send request is answered, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5)]
    answer_delay: u64,
    /// The typical pause between two notifications of a message, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 150)]
    notify_delay: u64,
    /// The pause before a failed notification is posted again, in milliseconds; the platform waits 60000
    #[arg(long, value_name = "MS", default_value_t = 60_000)]
    retry_pause: u64,
    /// The share of notifications that are never posted, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    loss: f64,
    /// The share of notifications that are posted twice
    #[arg(long, value_name = "SHARE", default_value_t = 0.02)]
    duplicates: f64,
    /// The share of notifications that are exchanged with the next one
    #[arg(long, value_name = "SHARE", default_value_t = 0.03)]
    reorder: f64,
    /// The share of messages whose first notification is posted before the send request is answered
    #[arg(long, value_name = "SHARE", default_value_t = 0.02)]
    early: f64,
    /// The share of messages that fail
    #[arg(long, value_name = "SHARE", default_value_t = 0.08)]
    failures: f64,
    /// Maximum number of messages per second; others are rejected with 7020
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<NonZeroU32>,
    /// Use the flat callback format for the SMS API v1
    #[arg(long)]
    flat_callbacks: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    observe::init_logging(&log_filter(LogFilter::at_least(Level::INFO))?, LogFormat::Auto);
    let listener = TcpListener::bind(&args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    let settings = Settings {
        seed: args.seed,
        service_key: secret(args.service_key.as_deref(), "RECEIPTD_SIMULATE_KEY")?,
        hub_secret: secret(args.hub_secret.as_deref(), "RECEIPTD_SIMULATE_SECRET")?,
        answer_delay: Duration::from_millis(args.answer_delay),
        notify_delay: Duration::from_millis(args.notify_delay),
        retry_pause: Duration::from_millis(args.retry_pause),
        loss: args.loss,
        duplicates: args.duplicates,
        reorder: args.reorder,
        early: args.early,
        failures: args.failures,
        rate: args.rate,
        flat_callbacks: args.flat_callbacks,
        ..Settings::default()
    };
    let simulator = Simulator::bind(listener, settings)?;
    output::line(format!("the simulated Webex Connect: set RECEIPTD_WEBEX__BASE_URL={}", simulator.base_url()));
    Ok(simulator.run(lifecycle::cancelled_by_signal()).await?)
}
