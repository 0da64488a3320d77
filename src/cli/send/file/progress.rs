//! The progress of the passes: bars on a terminal, nothing elsewhere.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// A bar for `total` items. It shows how many are done, how fast, and how long the rest will take.
pub(super) fn bar(name: &'static str, total: u64) -> ProgressBar {
    let template = "{prefix:>12} {bar:30} {pos:>6}/{len:<6} {rate:>8}  {eta:>4} left  {wide_msg}";
    let rate = |state: &ProgressState, out: &mut dyn Write| _ = write!(out, "{:.0}/s", state.per_sec());
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style.with_key("rate", rate)).with_prefix(name)
}

/// Shows progress with an unknown total.
pub(super) fn spinner(name: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>12} {pos} rows");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style).with_prefix(name)
}
