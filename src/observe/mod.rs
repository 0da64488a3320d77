//! Log lines and metrics. They never contain a secret, a body, or the number or address of a recipient.

mod causes;
mod log_limit;
mod logging;
mod metrics;

pub use causes::causes;
pub use log_limit::{Count, LogLimit};
pub use logging::{LogFilter, LogFormat, init as init_logging};
pub use metrics::{Commit, DispatchOutcome, Metrics, NotifyMethod, NotifyOutcome};
