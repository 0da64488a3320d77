//! Log lines, on standard error: plain on a terminal, JSON otherwise.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Plain on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Human-readable text.
    Plain,
    /// One JSON object per line.
    Json,
}

/// The selection of log lines, in the syntax of `RUST_LOG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Parses a filter; `None` if it is not valid.
    pub fn new(text: &str) -> Option<Self> {
        EnvFilter::try_new(text).ok().map(|_| Self(text.to_owned()))
    }

    /// Selects lines of this level and of more severe levels.
    pub fn at_least(level: Level) -> Self {
        Self(level.to_string())
    }
}

/// This target is never logged: it logs unreadable lines of `.pgpass` together with their passwords.
const NEVER: &str = "sqlx_postgres::options::pgpass";
/// This target is logged only if the filter names it. It logs a malformed request as an error of the server, although the
/// client gets an answer.
const ONLY_IF_NAMED: &str = "actix_http::h1";

/// Starts logging. A second call changes nothing.
pub fn init(LogFilter(filter): &LogFilter, format: LogFormat) {
    let quiet = [NEVER, ONLY_IF_NAMED].into_iter().filter(|target| *target == NEVER || !filter.contains(target));
    let quiet = quiet.filter_map(|target| format!("{target}=off").parse().ok());
    let filter = quiet.fold(EnvFilter::new(filter), EnvFilter::add_directive);
    let json = match format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Plain => false,
        LogFormat::Json => true,
    };
    let plain = (!json).then(|| fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()));
    let json = json.then(|| fmt::layer().json().flatten_event(true).with_writer(io::stderr));
    // This fails if a subscriber is already set, as in a program that uses this library.
    let _ = tracing_subscriber::registry().with(filter).with(plain).with(json).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_none() {
        for good in ["warn", "receiptd=info,warn", "receiptd::http=trace", "off", "receiptd[{id}]=debug"] {
            assert!(LogFilter::new(good).is_some(), "{good}");
        }
        for bad in ["receiptd==bad[", "receiptd=loud", "receiptd=info,=", "[", "receiptd=info=warn"] {
            assert!(LogFilter::new(bad).is_none(), "{bad}");
        }
    }
}
