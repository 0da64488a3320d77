//! Whether links are signed where they must be.
//!
//! The first link of a chain names the key that signs the chain. Once a store has a key, a chain without one may only
//! contain links that were there when the key came: the first link with the key names the end of each.

use std::collections::HashMap;

use super::{Finding, Signed, signing::PublicKey};
use crate::domain::{Link, PublicKeyId, Writer};

/// Looks at the signatures of all links.
pub(super) struct Signatures {
    keys: HashMap<PublicKeyId, PublicKey>,
    /// The last links of chains from the time before the key.
    before: HashMap<Writer, i64>,
    /// The key of the chain that is being read.
    current: Option<(Writer, Option<PublicKeyId>)>,
    /// The first link that is signed, and the number of signed links.
    since: Option<String>,
    count: u64,
    finding: Option<Finding>,
}

impl Signatures {
    /// Expects signatures by these keys.
    pub(super) fn by(keys: &[PublicKey]) -> Self {
        Self {
            keys: keys.iter().map(|key| (key.id(), key.clone())).collect(),
            before: HashMap::new(),
            current: None,
            since: None,
            count: 0,
            finding: None,
        }
    }

    /// A link with checkpoints. All of them come before the links.
    pub(super) fn checkpoint(&mut self, link: &Link) {
        if link.introduced_key().is_none_or(|key| self.check(link, key).is_err()) {
            return;
        }
        for checkpoint in link.checkpoints().unwrap_or_default() {
            let last = self.before.entry(checkpoint.writer).or_default();
            *last = checkpoint.sequence.max(*last);
        }
    }

    pub(super) fn link(&mut self, link: &Link) {
        if self.finding.is_some() {
            return;
        }
        let key = match self.current {
            Some((writer, key)) if writer == link.writer => key,
            _ => {
                let key = link.signing_key();
                self.current = Some((link.writer, key));
                key
            }
        };
        let checked = match key {
            None if link.signature.is_some() => Err("it has a signature, but the key of its chain is not named"),
            Some(_) if link.signature.is_none() => Err("its signature is missing"),
            // What is there can only be verified with a key.
            _ if self.keys.is_empty() => return,
            Some(key) => self.check(link, key),
            None if self.before.get(&link.writer).is_some_and(|last| link.sequence <= *last) => return,
            None => Err("it is not signed, and no signed link says that the store had no key then"),
        };
        match checked {
            Ok(()) => {
                self.count += 1;
                self.since.get_or_insert_with(|| format!("{} {}", link.writer, link.sequence));
            }
            Err(detail) => self.finding = Some(Finding::link("altered", link.writer, link.sequence, detail)),
        }
    }

    /// What was verified. `None` if no signatures are expected.
    pub(super) fn signed(&self) -> Option<Signed> {
        (!self.keys.is_empty()).then(|| Signed { links: self.count, since: self.since.clone() })
    }

    pub(super) fn finding(&mut self) -> Option<Finding> {
        self.finding.take()
    }

    fn check(&self, link: &Link, key: PublicKeyId) -> Result<(), &'static str> {
        let key = self.keys.get(&key).ok_or("its chain is signed by another key; give that one too")?;
        match &link.signature {
            Some(signature) if key.has_signed(&link.hash, signature) => Ok(()),
            _ => Err("its signature is not valid"),
        }
    }
}
