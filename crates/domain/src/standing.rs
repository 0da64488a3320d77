//! Merges the notifications about one recipient into a standing. `recipients` combines the standings of several
//! recipients.
//!
//! [`Standing::merge`] takes the maximum of a total order, so it is commutative, associative and idempotent: the result
//! depends neither on the order in which notifications arrive nor on how often they arrive. The databases do the same
//! with one conditional upsert (`crates/storage`). Tests compare the two.

use super::{Channel, Failure, Fingerprint, Rank, Status, Timestamp, TransactionId};

/// The order of the notifications about one recipient of a message. The greatest decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    /// The rank of the status.
    pub rank: Rank,
    /// When it happened. The epoch if there was no readable time.
    pub at: Timestamp,
    /// Among failures at one instant, the one with the greater [`Failure::gravity`] decides. 0 if it is not a failure.
    pub gravity: u8,
    /// Decides if everything else is equal, so that the order is total.
    pub fingerprint: Fingerprint,
}

impl Precedence {
    /// The stored form of the precedence of a message of which only our own dispatch is known. It is above
    /// notifications that are not understood, and below all others.
    pub const DISPATCH_BYTES: &[u8] = &[Status::DISPATCH];

    /// The stored form: bytes that compare as the precedences do.
    pub fn to_bytes(self) -> Vec<u8> {
        // The sign bit is inverted, so that times before 1970 come first.
        let at = (self.at.as_micros() ^ i64::MIN).to_be_bytes();
        [&[self.rank], at.as_slice(), &[self.gravity], self.fingerprint.as_bytes()].concat()
    }

    /// Reads the stored form.
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

/// What a set of notifications about one recipient adds up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The precedence of the notification that decides.
    pub precedence: Precedence,
    pub status: Status,
    /// For a failed message, whether the failure may be temporary.
    pub failure: Option<Failure>,
    /// The code of the notification that decides.
    pub code: Option<String>,
    /// The description of the code.
    pub reason: Option<String>,
    /// The channel of the notification that decides. A fallback may use a channel other than the first attempt.
    pub channel: Option<Channel>,
    /// The transaction id of the notification that decides.
    pub transaction_id: Option<TransactionId>,
    /// The greatest number of parts that was reported.
    pub segments: Option<i64>,
    /// The lexicographically greatest value. Any order-independent choice would do; a present value beats a missing
    /// one.
    pub callback_data: Option<String>,
}

impl Standing {
    /// The standing of both sets of notifications together.
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
                // A fingerprint depends on the whole content, as in reality, so equal keys mean equal standings.
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
    fn dispatch_ranks_between_notifications_that_are_and_are_not_understood() {
        let of = |status: Status| Precedence { rank: status.rank(None), ..Precedence::default() }.to_bytes();
        assert!(of(Status::Unknown).as_slice() < Precedence::DISPATCH_BYTES);
        assert!(of(Status::Submitted).as_slice() > Precedence::DISPATCH_BYTES);
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
        fn stored_precedences_have_the_same_order(a in any_precedence(), b in any_precedence()) {
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
        }

        #[test]
        fn a_stored_precedence_can_be_read_again(a in any_precedence()) {
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
