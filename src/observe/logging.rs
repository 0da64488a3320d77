//! Log lines, on standard error: plain on a terminal, JSON otherwise.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Plain on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Plain,
    /// For machines.
    Json,
}

/// Starts logging. `RUST_LOG` wins over `filter`. A second call changes nothing.
pub fn init(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new(filter)).unwrap_or_default();
    let json = match format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Plain => false,
        LogFormat::Json => true,
    };
    let plain = (!json).then(|| fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()));
    let json = json.then(|| fmt::layer().json().flatten_event(true).with_writer(io::stderr));
    // Fails where a subscriber is set already, as in a program that uses this library.
    let _ = tracing_subscriber::registry().with(filter).with(plain).with(json).try_init();
}
