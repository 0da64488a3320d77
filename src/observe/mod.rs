//! What receiptd tells about itself: log lines and metrics. Neither ever holds a secret, a number, an address or a
//! body.

mod causes;
mod logging;
mod metrics;

pub use causes::causes;
pub use logging::{LogFilter, LogFormat, init as init_logging};
pub use metrics::{Commit, DispatchOutcome, Metrics, NotifyMethod, NotifyOutcome};
