//! Stops all sending while the platform refuses our credentials, and finds out when it takes them again.
//!
//! Each message would be refused as the one before. So nothing leaves until the credentials are renewed; since they may
//! also become good without us (a key that is unlocked over there), now and then one message is let through to try.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

/// Whether messages are handed over, for a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// As far as we know.
    Working,
    /// They wait: the platform refuses our credentials.
    CredentialsRefused,
}

/// What an answer tells about our credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// They are good.
    Good,
    /// They are refused.
    Refused,
    /// There was no answer.
    None,
}

/// Lets requests through, or not.
#[derive(Debug)]
pub(super) struct Gate {
    condition: watch::Sender<Condition>,
    shut: Option<Shut>,
    /// When it was last opened. What left before may have shown other credentials.
    opened: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Shut {
    /// Answers to what left before this tell nothing new.
    since: Instant,
    pause: Duration,
    /// Whether a message is on its way to try.
    is_trying: bool,
}

/// The pauses between two tries.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

impl Gate {
    pub(super) fn new(condition: watch::Sender<Condition>) -> Self {
        Self { condition, shut: None, opened: None }
    }

    pub(super) fn is_shut(&self) -> bool {
        self.shut.is_some()
    }

    /// How long until a message may be let through; `None`: only after an answer.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        match self.shut {
            None => Some(Duration::ZERO),
            Some(shut) if shut.is_trying => None,
            Some(shut) => Some((shut.since + shut.pause).saturating_duration_since(now)),
        }
    }

    /// A message leaves.
    pub(super) fn began(&mut self) {
        if let Some(shut) = &mut self.shut {
            shut.is_trying = true;
        }
    }

    /// A request that left at `began` has ended.
    pub(super) fn heard(&mut self, hint: Hint, began: Instant, now: Instant) {
        match (self.shut, hint) {
            (None, Hint::Refused) if self.opened.is_none_or(|opened| began >= opened) => {
                tracing::error!(
                    "the platform refuses our credentials; nothing is sent until they are renewed or taken again"
                );
                self.shut = Some(Shut { since: now, pause: FIRST_PAUSE, is_trying: false });
                self.condition.send_replace(Condition::CredentialsRefused);
            }
            (Some(shut), hint) if began >= shut.since => match hint {
                Hint::Good => self.open("the platform takes our credentials again; sending goes on", now),
                Hint::Refused | Hint::None => {
                    let pause = (shut.pause * 2).min(LONGEST_PAUSE);
                    self.shut = Some(Shut { since: now, pause, is_trying: false });
                }
            },
            _ => {}
        }
    }

    /// There are new credentials.
    pub(super) fn renewed(&mut self, now: Instant) {
        self.open("the credentials were renewed; sending goes on", now);
    }

    fn open(&mut self, why: &str, now: Instant) {
        if self.shut.take().is_some() {
            self.opened = Some(now);
            tracing::info!("{why}");
            self.condition.send_replace(Condition::Working);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn shut(now: Instant) -> (Gate, watch::Receiver<Condition>) {
        let (sender, condition) = watch::channel(Condition::Working);
        let mut gate = Gate::new(sender);
        assert_eq!(gate.wait(now), Some(Duration::ZERO));
        gate.heard(Hint::Refused, now, now);
        assert_eq!(*condition.borrow(), Condition::CredentialsRefused);
        (gate, condition)
    }

    #[test]
    fn it_tries_with_one_message_after_pauses_that_double_up_to_five_minutes() {
        let mut now = Instant::now();
        let (mut gate, condition) = shut(now);
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(gate.wait(now), Some(SECOND * seconds));
            now += SECOND * seconds;
            assert_eq!(gate.wait(now), Some(Duration::ZERO));
            gate.began();
            assert_eq!(gate.wait(now), None);
            gate.heard(if seconds == 4 { Hint::None } else { Hint::Refused }, now, now);
            assert_eq!(*condition.borrow(), Condition::CredentialsRefused);
        }
        gate.heard(Hint::Good, now, now);
        assert_eq!((gate.wait(now), *condition.borrow()), (Some(Duration::ZERO), Condition::Working));
    }

    #[test]
    fn what_left_before_tells_nothing_new() {
        let before = Instant::now();
        let now = before + SECOND;
        let (mut gate, _condition) = shut(now);
        for hint in [Hint::Refused, Hint::Good, Hint::None] {
            gate.heard(hint, before, now);
            assert_eq!(gate.wait(now), Some(SECOND));
        }
    }

    #[test]
    fn new_credentials_open_it() {
        let now = Instant::now() + SECOND;
        let (mut gate, condition) = shut(now);
        gate.renewed(now);
        assert_eq!((gate.wait(now), *condition.borrow()), (Some(Duration::ZERO), Condition::Working));
        // An answer to what had left with the old ones.
        gate.heard(Hint::Refused, now - SECOND, now);
        assert!(!gate.is_shut());
        gate.heard(Hint::Refused, now, now);
        assert!(gate.is_shut());
    }
}
