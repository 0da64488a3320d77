//! The circuit breaker: stops all sending while the platform accepts no messages, and finds out when it does again.
//!
//! Every message would fail like the one before. So nothing is sent and nothing is claimed while the breaker is open.
//! After a pause, one message, the probe, is let through. Its answer closes the breaker or makes the next pause longer.
//!
//! | What opens it | When |
//! | --- | --- |
//! | the platform rejects our credentials | at once: every message is sent with the same ones |
//! | no connection: no address, TCP or TLS | at once: nothing can be sent |
//! | a rejection that is not in the platform's form (404 with a web page, a redirect) | at once: the base URL is wrong, or a proxy answers |
//! | no answer, a server error, an acceptance that is not in the platform's form | after [`IN_A_ROW`] of them, since a single one can be caused by one message |

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

use crate::{clock::Clock, domain::Timestamp};

/// Whether messages are dispatched, for a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DispatchHealth {
    /// Messages are dispatched, as far as we know.
    Working,
    /// Nothing is sent until the trouble is over.
    Stopped {
        /// What is wrong.
        trouble: Trouble,
        /// How the last request ended. It holds no personal data.
        reason: String,
        /// The time since which nothing has been sent.
        since: Timestamp,
    },
}

/// The reason why no message can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The platform rejects our credentials.
    CredentialsRejected,
    /// The platform cannot be connected to, does not answer, or answers with server errors.
    Unreachable,
    /// What answers does not answer as the platform does: the base URL is wrong, or a proxy answers.
    UnexpectedAnswers,
}

impl Trouble {
    /// What is wrong, as the beginning of a sentence.
    pub(super) fn as_sentence(self) -> &'static str {
        match self {
            Self::CredentialsRejected => "the platform rejects the credentials",
            Self::Unreachable => "the platform cannot be reached",
            Self::UnexpectedAnswers => "the answers are not those of the platform",
        }
    }

    /// What to do about it, as a sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::CredentialsRejected => "Renew the credentials in section webex, or ask the platform to unlock them.",
            Self::Unreachable => "Check the network, DNS and webex.base_url.",
            Self::UnexpectedAnswers => "Check webex.base_url, and whether a proxy answers instead of the platform.",
        }
    }

    fn end_message(self) -> &'static str {
        match self {
            Self::CredentialsRejected => "the platform accepts the credentials again; sending continues",
            Self::Unreachable => "the platform can be reached again; sending continues",
            Self::UnexpectedAnswers => "the platform answers again; sending continues",
        }
    }

    /// The longest pause between two probes. Credentials are renewed by a person; a network recovers by itself.
    fn longest_pause(self) -> Duration {
        match self {
            Self::CredentialsRejected => Duration::from_mins(5),
            Self::Unreachable | Self::UnexpectedAnswers => Duration::from_secs(30),
        }
    }
}

/// What a request reveals about all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// The platform accepted our credentials and answered.
    Good,
    /// The platform answered, but that does not show whether our credentials are valid.
    Answered,
    /// Any other message would fail too.
    Trouble(Trouble, String),
    /// Perhaps any other message would fail too.
    Suspected(Trouble, String),
}

/// The breaker opens after this many suspected troubles without an answer in between.
const IN_A_ROW: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Decides whether requests may be sent.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    health: watch::Sender<DispatchHealth>,
    clock: Clock,
    /// The longest pause between two probes, unless the trouble has a shorter one.
    longest: Duration,
    open: Option<Open>,
    /// The number of suspected troubles without an answer in between.
    suspected_count: u32,
    /// When the breaker was last closed. Requests that began before met the trouble of that time.
    closed: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    trouble: Trouble,
    /// The answers to requests that began before this reveal nothing new.
    since: Instant,
    pause: Duration,
    /// Whether the probe is under way.
    is_probing: bool,
}

impl CircuitBreaker {
    pub(super) fn new(health: watch::Sender<DispatchHealth>, clock: Clock, longest: Duration) -> Self {
        Self { health, clock, longest, open: None, suspected_count: 0, closed: None }
    }

    /// Returns what is wrong; `None` while messages may be sent.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.open.map(|open| open.trouble)
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Returns how long it takes until a message may be sent; `None` if it has to wait for an answer.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        match self.open {
            None => Some(Duration::ZERO),
            Some(open) if open.is_probing => None,
            Some(open) => Some((open.since + open.pause).saturating_duration_since(now)),
        }
    }

    /// Notes that a request begins.
    pub(super) fn began(&mut self) {
        if let Some(open) = &mut self.open {
            open.is_probing = true;
        }
    }

    /// Handles the end of a request that left at `began`.
    pub(super) fn heard(&mut self, signal: Signal, began: Instant, now: Instant) {
        match self.open {
            None if self.closed.is_none_or(|closed| began >= closed) => self.heard_while_closed(signal, now),
            Some(open) if open.is_probing && began >= open.since => self.heard_from_probe(open, signal, now),
            _ => {}
        }
    }

    fn heard_while_closed(&mut self, signal: Signal, now: Instant) {
        match signal {
            Signal::Good | Signal::Answered => self.suspected_count = 0,
            Signal::Trouble(trouble, reason) => self.open(trouble, reason, now),
            Signal::Suspected(trouble, reason) => {
                self.suspected_count += 1;
                if self.suspected_count >= IN_A_ROW {
                    self.open(trouble, reason, now);
                }
            }
        }
    }

    fn heard_from_probe(&mut self, open: Open, signal: Signal, now: Instant) {
        let trouble = match signal {
            // Neither of these reveals anything about the credentials.
            Signal::Answered | Signal::Suspected(..) if open.trouble == Trouble::CredentialsRejected => open.trouble,
            Signal::Good | Signal::Answered => return self.close(now),
            Signal::Trouble(trouble, reason) | Signal::Suspected(trouble, reason) => {
                if trouble != open.trouble {
                    self.report(trouble, reason);
                }
                trouble
            }
        };
        let pause = (open.pause * 2).min(trouble.longest_pause()).min(self.longest);
        self.open = Some(Open { trouble, since: now, pause, is_probing: false });
    }

    /// Closes the breaker if the credentials were the trouble, since there are new ones.
    pub(super) fn renewed(&mut self, now: Instant) {
        if self.trouble() == Some(Trouble::CredentialsRejected) {
            self.close(now);
        }
    }

    fn open(&mut self, trouble: Trouble, reason: String, now: Instant) {
        self.suspected_count = 0;
        self.open = Some(Open { trouble, since: now, pause: FIRST_PAUSE.min(self.longest), is_probing: false });
        self.report(trouble, reason);
    }

    /// Reports once what is wrong. If the trouble turns into another one, nothing has been sent since the first.
    fn report(&self, trouble: Trouble, reason: String) {
        let since = match &*self.health.borrow() {
            DispatchHealth::Stopped { since, .. } => *since,
            DispatchHealth::Working => self.clock.now(),
        };
        tracing::error!(
            reason,
            %since,
            "{}; sending is paused. {} One message at a time is tried",
            trouble.as_sentence(),
            trouble.advice()
        );
        self.health.send_replace(DispatchHealth::Stopped { trouble, reason, since });
    }

    fn close(&mut self, now: Instant) {
        let Some(open) = self.open.take() else { return };
        self.closed = Some(now);
        if let DispatchHealth::Stopped { since, .. } = self.health.send_replace(DispatchHealth::Working) {
            let seconds = self.clock.now().since(since).as_secs();
            tracing::info!(%since, seconds, "{}", open.trouble.end_message());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn closed() -> (CircuitBreaker, watch::Receiver<DispatchHealth>) {
        let (sender, health) = watch::channel(DispatchHealth::Working);
        (CircuitBreaker::new(sender, Clock::system(), Duration::from_mins(5)), health)
    }

    fn trouble(trouble: Trouble) -> Signal {
        Signal::Trouble(trouble, "reason".to_owned())
    }

    fn suspected() -> Signal {
        Signal::Suspected(Trouble::Unreachable, "no answer: timed out".to_owned())
    }

    fn opened_by(what: Trouble, now: Instant) -> (CircuitBreaker, watch::Receiver<DispatchHealth>) {
        let (mut breaker, health) = closed();
        assert_eq!(breaker.wait(now), Some(Duration::ZERO));
        breaker.heard(trouble(what), now, now);
        assert_eq!(breaker.trouble(), Some(what));
        (breaker, health)
    }

    fn is_stopped_by(health: &watch::Receiver<DispatchHealth>, what: Trouble) -> bool {
        matches!(&*health.borrow(), DispatchHealth::Stopped { trouble, .. } if *trouble == what)
    }

    fn is_working(health: &watch::Receiver<DispatchHealth>) -> bool {
        *health.borrow() == DispatchHealth::Working
    }

    #[test]
    fn one_probe_at_a_time_leaves_after_pauses_that_double_up_to_a_bound() {
        for (what, pauses) in [
            (Trouble::CredentialsRejected, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]),
            (Trouble::Unreachable, [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30]),
            (Trouble::UnexpectedAnswers, [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30]),
        ] {
            let mut now = Instant::now();
            let (mut breaker, health) = opened_by(what, now);
            for seconds in pauses {
                assert_eq!(breaker.wait(now), Some(SECOND * seconds), "{what:?}");
                now += SECOND * seconds;
                assert_eq!(breaker.wait(now), Some(Duration::ZERO));
                breaker.began();
                assert_eq!(breaker.wait(now), None);
                breaker.heard(trouble(what), now, now);
                assert!(is_stopped_by(&health, what));
            }
            breaker.began();
            breaker.heard(Signal::Good, now, now);
            assert!(is_working(&health));
            assert_eq!(breaker.wait(now), Some(Duration::ZERO));
        }
    }

    #[test]
    fn one_request_without_an_answer_does_not_open_it_and_several_in_a_row_do() {
        let (mut breaker, health) = closed();
        let now = Instant::now();
        for answer in [Signal::Good, Signal::Answered] {
            breaker.heard(suspected(), now, now);
            breaker.heard(suspected(), now, now);
            breaker.heard(answer, now, now);
            assert!(!breaker.is_open());
        }
        for _ in 0..IN_A_ROW {
            breaker.heard(suspected(), now, now);
        }
        assert!(is_stopped_by(&health, Trouble::Unreachable));
    }

    #[test]
    fn any_answer_of_the_platform_ends_every_trouble_but_that_of_credentials() {
        for (what, closes) in
            [(Trouble::Unreachable, true), (Trouble::UnexpectedAnswers, true), (Trouble::CredentialsRejected, false)]
        {
            let now = Instant::now();
            let (mut breaker, _health) = opened_by(what, now);
            breaker.began();
            breaker.heard(Signal::Answered, now, now);
            assert_eq!(!breaker.is_open(), closes, "{what:?}");
        }
    }

    #[test]
    fn a_probe_that_meets_another_trouble_reports_it_and_keeps_the_time_of_the_first() {
        let now = Instant::now();
        let (mut breaker, health) = opened_by(Trouble::Unreachable, now);
        let DispatchHealth::Stopped { since, .. } = health.borrow().clone() else { panic!("it works") };
        breaker.began();
        breaker.heard(trouble(Trouble::CredentialsRejected), now, now);
        assert_eq!(
            *health.borrow(),
            DispatchHealth::Stopped { trouble: Trouble::CredentialsRejected, reason: "reason".to_owned(), since }
        );
        // A probe without an answer reveals nothing about the credentials.
        breaker.began();
        breaker.heard(suspected(), now, now);
        assert!(is_stopped_by(&health, Trouble::CredentialsRejected));
    }

    #[test]
    fn only_the_probe_lengthens_the_pause() {
        let now = Instant::now();
        let (mut breaker, _health) = opened_by(Trouble::UnexpectedAnswers, now);
        for _ in 0..64 {
            breaker.heard(trouble(Trouble::UnexpectedAnswers), now, now);
        }
        assert_eq!(breaker.wait(now), Some(FIRST_PAUSE));
    }

    #[test]
    fn the_answer_to_an_earlier_request_changes_nothing() {
        let before = Instant::now();
        let now = before + SECOND;
        let (mut breaker, _health) = opened_by(Trouble::CredentialsRejected, now);
        for signal in [trouble(Trouble::Unreachable), Signal::Good, Signal::Answered, suspected()] {
            breaker.heard(signal, before, now);
            assert_eq!(breaker.wait(now), Some(SECOND));
            assert_eq!(breaker.trouble(), Some(Trouble::CredentialsRejected));
        }
    }

    #[test]
    fn new_credentials_close_it_only_if_they_were_the_trouble() {
        let now = Instant::now() + SECOND;
        let (mut breaker, health) = opened_by(Trouble::CredentialsRejected, now);
        breaker.renewed(now);
        assert_eq!(breaker.wait(now), Some(Duration::ZERO));
        assert!(is_working(&health));
        // The answer to a request that was sent with the old credentials.
        breaker.heard(trouble(Trouble::CredentialsRejected), now - SECOND, now);
        assert!(!breaker.is_open());
        breaker.heard(trouble(Trouble::CredentialsRejected), now, now);
        assert!(breaker.is_open());

        let (mut breaker, _health) = opened_by(Trouble::Unreachable, now);
        breaker.renewed(now);
        assert!(breaker.is_open());
    }
}
