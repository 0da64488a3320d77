//! The circuit breaker: stops all sending while the platform cannot take anything, and finds out when it can again.
//!
//! Each message would fare as the one before. So nothing leaves and nothing is claimed while the breaker is open; after a
//! pause one message, the probe, is let through. Its answer closes the breaker or makes the next pause longer.
//!
//! | What opens it | When |
//! | --- | --- |
//! | the platform refuses our credentials | at once: every message shows the same ones |
//! | no connection: no address, TCP or TLS | at once: nothing can leave |
//! | a refusal that is not in the platform's form (404 with a web page, a redirect) | at once: the base URL is wrong, or a proxy answers |
//! | no answer, a server error, an acceptance that is not in the platform's form | after [`IN_A_ROW`] of them, since one alone can be the fault of one message |

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

use crate::{clock::Clock, domain::Timestamp};

/// Whether messages are dispatched, for a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DispatchHealth {
    /// As far as we know.
    Working,
    /// Nothing is sent until the trouble is over.
    Stopped {
        /// What is wrong.
        trouble: Trouble,
        /// How the last request ended. It holds no personal data.
        reason: String,
        /// Since when nothing is sent.
        since: Timestamp,
    },
}

/// What keeps every message from being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The platform refuses our credentials.
    CredentialsRefused,
    /// The platform cannot be connected to, does not answer, or answers with server errors.
    Unreachable,
    /// What answers does not answer as the platform does: the base URL is wrong, or a proxy answers.
    UnexpectedAnswers,
}

impl Trouble {
    /// What is wrong, as the beginning of a sentence.
    pub(super) fn as_sentence(self) -> &'static str {
        match self {
            Self::CredentialsRefused => "the platform rejects the credentials",
            Self::Unreachable => "the platform cannot be reached",
            Self::UnexpectedAnswers => "the answers are not those of the platform",
        }
    }

    /// What to do about it, as a sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::CredentialsRefused => "Renew the credentials in section webex, or ask the platform to unlock them.",
            Self::Unreachable => "Check the network, DNS and webex.base_url.",
            Self::UnexpectedAnswers => "Check webex.base_url, and whether a proxy answers instead of the platform.",
        }
    }

    fn is_over(self) -> &'static str {
        match self {
            Self::CredentialsRefused => "the platform accepts the credentials again; sending continues",
            Self::Unreachable => "the platform can be reached again; sending continues",
            Self::UnexpectedAnswers => "the platform answers again; sending continues",
        }
    }

    /// The longest pause between two probes. Credentials become good by somebody's hand; a network by itself.
    fn longest_pause(self) -> Duration {
        match self {
            Self::CredentialsRefused => Duration::from_mins(5),
            Self::Unreachable | Self::UnexpectedAnswers => Duration::from_secs(30),
        }
    }
}

/// What a request tells about all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// The platform took our credentials and answered.
    Good,
    /// The platform answered, and that does not tell whether our credentials are good.
    Answered,
    /// No other message would fare better.
    Trouble(Trouble, String),
    /// Perhaps no other message would fare better.
    Doubt(Trouble, String),
}

/// After this many signs of doubt without an answer in between, the breaker opens.
const IN_A_ROW: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Lets requests through, or not.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    health: watch::Sender<DispatchHealth>,
    clock: Clock,
    /// The longest pause between two probes, where the trouble does not ask for a shorter one.
    longest: Duration,
    open: Option<Open>,
    /// Signs of doubt without an answer in between.
    doubts: u32,
    /// When it was last closed. What left before met what was wrong then.
    closed: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    trouble: Trouble,
    /// What left before this tells nothing new.
    since: Instant,
    pause: Duration,
    /// Whether the probe is on its way.
    is_probing: bool,
}

impl CircuitBreaker {
    pub(super) fn new(health: watch::Sender<DispatchHealth>, clock: Clock, longest: Duration) -> Self {
        Self { health, clock, longest, open: None, doubts: 0, closed: None }
    }

    /// What is wrong; `None` while messages may leave.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.open.map(|open| open.trouble)
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// How long until a message may leave; `None`: only after an answer.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        match self.open {
            None => Some(Duration::ZERO),
            Some(open) if open.is_probing => None,
            Some(open) => Some((open.since + open.pause).saturating_duration_since(now)),
        }
    }

    /// A message leaves.
    pub(super) fn began(&mut self) {
        if let Some(open) = &mut self.open {
            open.is_probing = true;
        }
    }

    /// A request that left at `began` has ended.
    pub(super) fn heard(&mut self, signal: Signal, began: Instant, now: Instant) {
        match self.open {
            None if self.closed.is_none_or(|closed| began >= closed) => self.heard_while_closed(signal, now),
            Some(open) if open.is_probing && began >= open.since => self.heard_from_probe(open, signal, now),
            _ => {}
        }
    }

    fn heard_while_closed(&mut self, signal: Signal, now: Instant) {
        match signal {
            Signal::Good | Signal::Answered => self.doubts = 0,
            Signal::Trouble(trouble, reason) => self.open(trouble, reason, now),
            Signal::Doubt(trouble, reason) => {
                self.doubts += 1;
                if self.doubts >= IN_A_ROW {
                    self.open(trouble, reason, now);
                }
            }
        }
    }

    fn heard_from_probe(&mut self, open: Open, signal: Signal, now: Instant) {
        let trouble = match signal {
            // Neither says anything about credentials.
            Signal::Answered | Signal::Doubt(..) if open.trouble == Trouble::CredentialsRefused => open.trouble,
            Signal::Good | Signal::Answered => return self.close(now),
            Signal::Trouble(trouble, reason) | Signal::Doubt(trouble, reason) => {
                if trouble != open.trouble {
                    self.tell(trouble, reason);
                }
                trouble
            }
        };
        let pause = (open.pause * 2).min(trouble.longest_pause()).min(self.longest);
        self.open = Some(Open { trouble, since: now, pause, is_probing: false });
    }

    /// There are new credentials.
    pub(super) fn renewed(&mut self, now: Instant) {
        if self.trouble() == Some(Trouble::CredentialsRefused) {
            self.close(now);
        }
    }

    fn open(&mut self, trouble: Trouble, reason: String, now: Instant) {
        self.doubts = 0;
        self.open = Some(Open { trouble, since: now, pause: FIRST_PAUSE.min(self.longest), is_probing: false });
        self.tell(trouble, reason);
    }

    /// Says once what is wrong. Where the trouble turns into another one, nothing was sent since the first.
    fn tell(&self, trouble: Trouble, reason: String) {
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
            tracing::info!(%since, seconds, "{}", open.trouble.is_over());
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

    fn doubt() -> Signal {
        Signal::Doubt(Trouble::Unreachable, "no answer: timed out".to_owned())
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
            (Trouble::CredentialsRefused, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]),
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
            breaker.heard(doubt(), now, now);
            breaker.heard(doubt(), now, now);
            breaker.heard(answer, now, now);
            assert!(!breaker.is_open());
        }
        for _ in 0..IN_A_ROW {
            breaker.heard(doubt(), now, now);
        }
        assert!(is_stopped_by(&health, Trouble::Unreachable));
    }

    #[test]
    fn any_answer_of_the_platform_ends_a_trouble_of_the_way_and_not_one_of_credentials() {
        for (what, closes) in
            [(Trouble::Unreachable, true), (Trouble::UnexpectedAnswers, true), (Trouble::CredentialsRefused, false)]
        {
            let now = Instant::now();
            let (mut breaker, _health) = opened_by(what, now);
            breaker.began();
            breaker.heard(Signal::Answered, now, now);
            assert_eq!(!breaker.is_open(), closes, "{what:?}");
        }
    }

    #[test]
    fn a_probe_that_meets_another_trouble_says_so_and_keeps_the_time_since_when_nothing_is_sent() {
        let now = Instant::now();
        let (mut breaker, health) = opened_by(Trouble::Unreachable, now);
        let DispatchHealth::Stopped { since, .. } = health.borrow().clone() else { panic!("it works") };
        breaker.began();
        breaker.heard(trouble(Trouble::CredentialsRefused), now, now);
        assert_eq!(
            *health.borrow(),
            DispatchHealth::Stopped { trouble: Trouble::CredentialsRefused, reason: "reason".to_owned(), since }
        );
        // And a probe without an answer tells nothing about credentials.
        breaker.began();
        breaker.heard(doubt(), now, now);
        assert!(is_stopped_by(&health, Trouble::CredentialsRefused));
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
    fn what_left_before_it_opened_tells_nothing_new() {
        let before = Instant::now();
        let now = before + SECOND;
        let (mut breaker, _health) = opened_by(Trouble::CredentialsRefused, now);
        for signal in [trouble(Trouble::Unreachable), Signal::Good, Signal::Answered, doubt()] {
            breaker.heard(signal, before, now);
            assert_eq!(breaker.wait(now), Some(SECOND));
            assert_eq!(breaker.trouble(), Some(Trouble::CredentialsRefused));
        }
    }

    #[test]
    fn new_credentials_close_it_where_they_were_the_trouble() {
        let now = Instant::now() + SECOND;
        let (mut breaker, health) = opened_by(Trouble::CredentialsRefused, now);
        breaker.renewed(now);
        assert_eq!(breaker.wait(now), Some(Duration::ZERO));
        assert!(is_working(&health));
        // An answer to what had left with the old ones.
        breaker.heard(trouble(Trouble::CredentialsRefused), now - SECOND, now);
        assert!(!breaker.is_open());
        breaker.heard(trouble(Trouble::CredentialsRefused), now, now);
        assert!(breaker.is_open());

        let (mut breaker, _health) = opened_by(Trouble::Unreachable, now);
        breaker.renewed(now);
        assert!(breaker.is_open());
    }
}
