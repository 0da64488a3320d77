//! One step of a message.

use rand::RngExt;
use rand::rngs::StdRng;

/// One event of a message, for which the platform posts a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// `deliveryStatus`.
    pub(super) word: &'static str,
    pub(super) code: String,
    /// `Description`.
    pub(super) text: String,
    /// `additionalInfo`.
    pub(super) info: String,
    /// Whether it has the same time as the previous step.
    pub(super) same_moment: bool,
    /// Whether it belongs to the SMS that replaces a failed RCS message.
    pub(super) fallback: bool,
}

impl Step {
    pub(super) fn new(word: &'static str, code: &str, text: impl Into<String>) -> Self {
        let (code, text) = (code.to_owned(), text.into());
        Self { word, code, text, info: String::new(), same_moment: false, fallback: false }
    }

    pub(super) fn with_info(self, info: impl Into<String>) -> Self {
        Self { info: info.into(), ..self }
    }

    pub(super) fn at_once(self) -> Self {
        Self { same_moment: true, ..self }
    }
}

pub(super) fn submitted() -> Step {
    Step::new("Submitted", "7501", "Submitted")
}

pub(super) fn delivered() -> Step {
    Step::new("Delivered", "7500", "Delivered")
}

pub(super) fn read() -> Step {
    Step::new("Read", "7502", "Read")
}

/// A click states the link and the client's address.
pub(super) fn clicked() -> Step {
    Step::new("Clicked", "7528", "https://www.example.com/track|192.0.2.44")
        .with_info("Mozilla/5.0 (Linux; Android 15) ExampleBrowser/1.0")
}

pub(super) fn disconnected() -> Step {
    Step::new("DISCONNECTED", "7410", "Call disconnected")
}

/// True for this share of the draws. It always draws, so that a draw does not depend on the result of another.
pub(super) fn falls(rng: &mut StdRng, share: f64) -> bool {
    rng.random::<f64>() < share
}
