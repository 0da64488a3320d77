//! Filters as texts that tell nothing, so that an address can name a list without naming a person.
//!
//! Such a text is called a view. It contains the names and values of a filter and an end, encrypted with a key of the store. The
//! key is made once, so a view can be read by every instance, until it ends. A view gives no access: its user needs the same
//! scope as for the filter itself.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::{
    clock::Clock,
    domain::Timestamp,
    storage::{KEY_BYTES, Keys, StorageError, Store},
};

/// Names and values of a filter.
type Pairs = Vec<(String, String)>;

/// Seals filters, and reads sealed ones.
#[derive(Clone)]
pub struct SealedFilters {
    keys: Arc<dyn Keys>,
    key: Arc<OnceCell<LessSafeKey>>,
    lifetime: Duration,
    clock: Clock,
}

/// Why a view cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The text is not a view, was changed, or belongs to another store.
    #[error("the view is not one of this store, or it was changed")]
    Unreadable,
    /// It has ended.
    #[error("the view ended at {0}")]
    Ended(Timestamp),
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    NoRandomness,
    /// The store could not give its key.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The name of the key in the store.
const KEY: &str = "view";
/// The format of the text. Another format gets another number, so that one cannot be taken for the other.
const FORMAT: &[u8] = b"receiptd view 1";
/// The contents are filled up to a multiple of this length, so that the length does not tell what they are.
const BLOCK: usize = 256;
/// Longer texts are not decrypted. A request for a view is limited, so there are none.
const LONGEST: usize = 64 * 1024;

/// What a view contains.
#[derive(Serialize, Deserialize)]
struct Contents {
    /// In microseconds since 1970.
    ends_at: i64,
    filter: Pairs,
}

impl SealedFilters {
    /// Seals filters that can be used for so long.
    pub fn new(store: &Store, lifetime: Duration, clock: Clock) -> Self {
        Self { keys: store.keys.clone(), key: Arc::default(), lifetime, clock }
    }

    /// Returns a view of the filter with these names and values, and when it ends.
    pub async fn seal(&self, filter: Pairs) -> Result<(String, Timestamp), ViewError> {
        let ends_at = self.clock.now().plus(self.lifetime);
        let contents = Contents { ends_at: ends_at.as_micros(), filter };
        let view = seal(self.key().await?, random()?, &contents).map_err(|Unspecified| ViewError::NoRandomness)?;
        Ok((view, ends_at))
    }

    /// Returns the names and values of the filter in a view.
    pub async fn open(&self, view: &str) -> Result<Pairs, ViewError> {
        if view.len() > LONGEST {
            return Err(ViewError::Unreadable);
        }
        let contents = open(self.key().await?, view).ok_or(ViewError::Unreadable)?;
        let ends_at = Timestamp::from_micros(contents.ends_at);
        if ends_at <= self.clock.now() { Err(ViewError::Ended(ends_at)) } else { Ok(contents.filter) }
    }

    async fn key(&self) -> Result<&LessSafeKey, ViewError> {
        let read = async || {
            let key = self.keys.key(KEY, &random::<KEY_BYTES>()?).await?;
            let key = UnboundKey::new(&CHACHA20_POLY1305, &key).map_err(|Unspecified| ViewError::Unreadable)?;
            Ok(LessSafeKey::new(key))
        };
        self.key.get_or_try_init(read).await
    }
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], ViewError> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|Unspecified| ViewError::NoRandomness)?;
    Ok(bytes)
}

/// The nonce comes first, since it is needed to read the rest. It is random, and 96 bits are enough for some billions of views.
fn seal(key: &LessSafeKey, nonce: [u8; NONCE_LEN], contents: &Contents) -> Result<String, Unspecified> {
    let mut sealed = serde_json::to_vec(contents).map_err(|_| Unspecified)?;
    sealed.resize(sealed.len().next_multiple_of(BLOCK), b' ');
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(FORMAT), &mut sealed)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
}

fn open(key: &LessSafeKey, view: &str) -> Option<Contents> {
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(view).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>()?;
    let contents = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(FORMAT), sealed).ok()?;
    serde_json::from_slice(contents).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[byte; KEY_BYTES]).unwrap())
    }

    fn contents(filter: Pairs) -> Contents {
        Contents { ends_at: 7, filter }
    }

    fn sealed(filter: &[(&str, &str)]) -> String {
        let filter = filter.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        seal(&key(1), [9; NONCE_LEN], &contents(filter)).unwrap()
    }

    #[test]
    fn a_view_does_not_tell_what_it_contains() {
        let (one, other) = (sealed(&[("to", "+447700900123")]), sealed(&[("status", "failed"), ("channel", "sms")]));
        assert_eq!(one.len(), other.len());
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{one}");
        assert!(!one.contains("7700900123"));
    }

    #[test]
    fn the_same_filter_is_never_sealed_in_the_same_way() {
        let nonces: [[u8; NONCE_LEN]; 2] = [random().unwrap(), random().unwrap()];
        let [one, other] = nonces.map(|nonce| seal(&key(1), nonce, &contents(Vec::new())).unwrap());
        assert_ne!(one, other);
    }

    #[test]
    fn a_view_of_another_store_is_refused() {
        let view = sealed(&[("to", "+447700900123")]);
        assert!(open(&key(1), &view).is_some());
        assert!(open(&key(2), &view).is_none());
        for text in ["", "AAAA", "a view", &view[1..], &format!("{view}="), &format!("{view}A")] {
            assert!(open(&key(1), text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_filter_survives(filter in proptest::collection::vec((any::<String>(), any::<String>()), 0..8)) {
            let view = seal(&key(1), [9; NONCE_LEN], &contents(filter.clone())).unwrap();
            prop_assert_eq!(open(&key(1), &view).unwrap().filter, filter);
        }

        #[test]
        fn every_changed_character_is_refused(at in any::<prop::sample::Index>(), other in "[A-Za-z0-9_=.-]") {
            let view = sealed(&[("to", "+447700900123"), ("status", "failed")]);
            let at = at.index(view.len());
            let changed = format!("{}{other}{}", &view[..at], &view[at + 1..]);
            prop_assume!(changed != view);
            prop_assert!(open(&key(1), &changed).is_none());
        }
    }
}
