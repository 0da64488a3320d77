//! How long the steps of a message took, as the API and the command line show it.

use serde::{Deserialize, Serialize};

/// How long the steps of a message took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaceView {
    /// The changes of the status, in order.
    pub steps: Vec<StepView>,
    /// The messages from which the usual times were computed. `None` if there are none, or if they could not be
    /// read in time.
    pub sample: Option<SampleView>,
}

/// A change of the status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    /// The position of the entry in the timeline, which begins with 0.
    pub entry: usize,
    /// The status before.
    pub from: String,
    /// The status that the entry set.
    pub to: String,
    /// The time between the two.
    pub seconds: f64,
    /// The usual time; `None` if too few messages of the sample took this step.
    pub usual: Option<UsualView>,
}

/// The usual time of a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsualView {
    /// The number of messages of the sample that took the step.
    pub count: usize,
    /// Half of them took at most this long.
    pub median_seconds: f64,
    /// 95 of 100 took at most this long.
    pub p95_seconds: f64,
}

/// The messages of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleView {
    pub messages: usize,
    /// They were first known at or after this time.
    pub since: String,
    /// They were first known before this time.
    pub until: String,
}
