//! The fold: what the notifications about one recipient make of the status. `recipients` says what several come to.
//!
//! [`Standing::merge`] takes the maximum of a total order, so it is commutative, associative and idempotent: the
//! result depends neither on the order in which notifications arrive nor on how often. The databases do the same
//! with one conditional upsert (`storage/`), and the tests hold the two together.

use super::{Channel, Failure, Fingerprint, Rank, Status, Timestamp, TransactionId};

/// The order among the notifications about one recipient of a message. The greatest decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    /// How strongly the status speaks.
    pub rank: Rank,
    /// When it happened; the epoch where no readable time came.
    pub at: Timestamp,
    /// Of failures at one instant, the graver one decides: [`Failure::gravity`]. 0 if it is no failure.
    pub gravity: u8,
    /// Decides between two that are alike otherwise, so that the order is total.
    pub fingerprint: Fingerprint,
}

impl Precedence {
    /// The precedence of a message of which only our own dispatch is known: above what nobody understood, below
    /// everything that was understood.
    pub const DISPATCH: &[u8] = &[Status::DISPATCH];

    /// The form in which it is stored: bytes that compare as the precedences do.
    pub fn to_bytes(self) -> Vec<u8> {
        // The sign bit is turned, so that times before 1970 come first.
        let at = (self.at.as_micros() ^ i64::MIN).to_be_bytes();
        [&[self.rank], at.as_slice(), &[self.gravity], self.fingerprint.as_bytes()].concat()
    }

    /// From that form.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (rank, rest) = bytes.split_first()?;
        let (at, rest) = rest.split_first_chunk()?;
        let (gravity, fingerprint) = rest.split_first()?;
        Some(Self {
            rank: *rank,
            at: Timestamp::from_micros(i64::from_be_bytes(*at) ^ i64::MIN),
            gravity: *gravity,
            fingerprint: Fingerprint::from_bytes(fingerprint)?,
        })
    }
}

/// What some notifications about one recipient together say about their message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Of the notification that decides.
    pub precedence: Precedence,
    /// Where the message stands.
    pub status: Status,
    /// If it failed, whether that may pass.
    pub failure: Option<Failure>,
    /// The code of the notification that decides.
    pub code: Option<String>,
    /// Its description.
    pub reason: Option<String>,
    /// The channel of the notification that decides (a fallback may travel on another than the first attempt).
    pub channel: Option<Channel>,
    /// Its transaction id.
    pub transaction_id: Option<TransactionId>,
    /// The greatest number of parts that was reported.
    pub segments: Option<i64>,
    /// The greatest echo, since some notifications come without.
    pub callback_data: Option<String>,
}

impl Standing {
    /// Both taken together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let segments = self.segments.max(other.segments);
        let (stronger, weaker) = if other.precedence > self.precedence { (other, self) } else { (self, other) };
        let callback_data = stronger.callback_data.max(weaker.callback_data);
        Self { segments, callback_data, ..stronger }
    }

    /// Whether the outcome is known.
    pub fn is_final(&self) -> bool {
        self.status.is_final(self.channel.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_standing() -> impl Strategy<Value = Standing> {
        let text = || proptest::option::of("[a-c]{1,2}");
        (0..14usize, 0i64..4, any::<[u8; 2]>(), text(), text(), proptest::option::of(1i64..4)).prop_map(
            |(status, at, seed, code, callback_data, segments)| {
                let status = Status::all().nth(status).unwrap();
                // A fingerprint stands for the whole content, as in reality, so equal keys mean equal standings.
                let content = format!("{status}{at}{seed:?}{code:?}{callback_data:?}{segments:?}");
                Standing {
                    precedence: Precedence {
                        rank: status.rank(None),
                        at: Timestamp::from_micros(at),
                        gravity: 0,
                        fingerprint: Fingerprint::of_body(content.as_bytes()),
                    },
                    status,
                    failure: None,
                    code,
                    reason: None,
                    channel: None,
                    transaction_id: None,
                    segments,
                    callback_data,
                }
            },
        )
    }

    #[test]
    fn dispatch_lies_between_what_is_and_what_is_not_understood() {
        let of = |status: Status| Precedence { rank: status.rank(None), ..Precedence::default() }.to_bytes();
        assert!(of(Status::Unknown).as_slice() < Precedence::DISPATCH);
        assert!(of(Status::Submitted).as_slice() > Precedence::DISPATCH);
    }

    fn any_precedence() -> impl Strategy<Value = Precedence> {
        (any::<u8>(), any::<i64>(), any::<u8>(), any::<[u8; 16]>()).prop_map(|(rank, at, gravity, bytes)| Precedence {
            rank,
            at: Timestamp::from_micros(at),
            gravity,
            fingerprint: Fingerprint::from_bytes(&bytes).unwrap(),
        })
    }

    proptest! {
        #[test]
        fn stored_precedences_compare_alike(a in any_precedence(), b in any_precedence()) {
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
        }

        #[test]
        fn a_stored_precedence_reads_back(a in any_precedence()) {
            prop_assert_eq!(Precedence::from_bytes(&a.to_bytes()), Some(a));
            prop_assert_eq!(Precedence::from_bytes(&a.to_bytes()[1..]), None);
        }

        #[test]
        fn merging_is_commutative(a in any_standing(), b in any_standing()) {
            prop_assert_eq!(a.clone().merge(b.clone()), b.merge(a));
        }

        #[test]
        fn merging_is_associative(a in any_standing(), b in any_standing(), c in any_standing()) {
            prop_assert_eq!(a.clone().merge(b.clone()).merge(c.clone()), a.merge(b.merge(c)));
        }

        #[test]
        fn merging_is_idempotent(a in any_standing()) {
            prop_assert_eq!(a.clone().merge(a.clone()), a);
        }
    }
}
