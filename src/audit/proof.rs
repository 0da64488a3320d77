//! Verifies the store against its hash chain.

use std::{fmt, sync::Arc};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{
    claims::Claims,
    digest::StoreDigest,
    platform::SignedBodies,
    search::{Search, Wrong},
    signing::PublicKey,
};
use crate::{
    domain::{ChainedTable, Checkpoint, CorrelationId, LinkHash, PageLimit, RowKey, Verification, Writer},
    storage::{Consistency, HashChain, Inconsistency, StatusEvents, StorageError, Store},
};

/// How many messages are checked together.
const BATCH: u16 = 100;

/// Verifies the store.
#[derive(Clone)]
pub struct Proof {
    chain: Arc<dyn HashChain>,
    consistency: Arc<dyn Consistency>,
    status_events: Arc<dyn StatusEvents>,
}

/// What a verification expects to find.
#[derive(Clone, Default)]
pub struct Expected {
    /// A head from an earlier verification. Everything that it vouched for must still exist.
    pub head: Option<LinkHash>,
    /// The keys that sign links. If there is one, all links must be signed from the first one with a key.
    pub keys: Vec<PublicKey>,
    /// The secrets with which the platform may have signed bodies.
    pub hub_secrets: Vec<SecretString>,
}

/// The links with a valid signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signed {
    /// The number of these links.
    pub links: u64,
    /// The first of them: writer and number. All links that were added later are signed too.
    pub since: Option<String>,
}

/// The result of a verification.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Everything that is verified matches the chain.
    pub sound: bool,
    /// The number of chains: each writer begins a new one whenever it is started.
    pub chains: usize,
    /// The number of links.
    pub links: u64,
    /// The number of chained rows, without those that vouch for others.
    pub rows: u64,
    /// The number of messages that follow from these rows.
    pub messages: u64,
    /// The number of messages that do not follow from stored rows any more, since a purge or an erasure removed some of
    /// these. They are as they were then, or as later commits of receiptd left them.
    pub attested: u64,
    /// The links with a valid signature. `None` if no key was given.
    pub signed: Option<Signed>,
    /// The bodies that came with a signature of the platform. `None` if no secret was given.
    pub signed_bodies: Option<SignedBodies>,
    /// The head, which vouches for all links: if a later verification finds it, no verified row was lost or altered.
    pub head: Option<String>,
    /// The first error that was found.
    pub finding: Option<Finding>,
}

/// Something that does not match the chain, or does not follow from what the chain contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `altered`, `removed` or `inserted`.
    pub what: String,
    /// The table.
    pub table: String,
    /// The row: correlation id and the first half of the fingerprint, or the number of the step; writer and number of a
    /// link or of a batch of the journal; correlation id of a message. If the message is gone too, the first 8 bytes of
    /// the SHA-256 of its correlation id.
    pub key: String,
    /// What is wrong.
    pub detail: String,
}

impl Verdict {
    /// The result, as the audit log records it. `earlier` is the head that was asked for.
    pub fn result(&self, earlier: Option<LinkHash>) -> Verification {
        match (&self.finding, self.head.as_deref().and_then(LinkHash::parse)) {
            (None, Some(head)) => Verification::Sound { head, earlier },
            (None, None) => Verification::Unsound("the head cannot be read".to_owned()),
            (Some(finding), _) => Verification::Unsound(finding.to_string()),
        }
    }
}

impl Finding {
    pub(super) fn new(what: &str, table: &str, key: String, detail: impl Into<String>) -> Self {
        Self { what: what.to_owned(), table: table.to_owned(), key, detail: detail.into() }
    }

    pub(super) fn link(what: &str, writer: Writer, sequence: i64, detail: &str) -> Self {
        Self::new(what, "links", format!("{writer} {sequence}"), detail)
    }

    fn of(Inconsistency { what, table, key, detail }: Inconsistency) -> Self {
        Self::new(what, table, key, detail)
    }

    /// Makes a finding of a value that receiptd never writes. Other errors are returned.
    fn of_error(error: StorageError) -> Result<Self, StorageError> {
        match error {
            StorageError::Corrupt { table, column, row } => {
                Ok(Self::new("altered", table, row, format!("its {column} has a value that receiptd never writes")))
            }
            error => Err(error),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} was {}: {}", self.table, self.key, self.what, self.detail)
    }
}

/// The number of messages that were checked.
#[derive(Default)]
struct Counts {
    messages: u64,
    attested: u64,
}

impl Proof {
    /// Creates a proof for `store`.
    pub fn new(store: &Store) -> Self {
        Self {
            chain: store.hash_chain.clone(),
            consistency: store.consistency.clone(),
            status_events: store.status_events.clone(),
        }
    }

    /// Verifies every link and every chained row; then, that everything else that is stored follows from those rows.
    /// If all is sound, a new link vouches for the links,
    /// and its hash is the new head.
    pub async fn verify(&self, expected: &Expected) -> Result<Verdict, StorageError> {
        let mut digest = StoreDigest::new(rand::random(), expected);
        match self.chain.visit_all(&mut digest).await {
            Ok(()) => digest.conclude(),
            Err(error) => digest.found(Finding::of_error(error)?),
        }
        let unequal = digest.unequal();
        let mut finding = match digest.finding.take() {
            None if !unequal.is_empty() => self.search(unequal).await?,
            finding => finding,
        };
        let mut counts = Counts::default();
        if finding.is_none() {
            finding = match self.check_messages(&mut counts).await {
                Ok(found) => found,
                Err(error) => Some(Finding::of_error(error)?),
            };
        }
        let head = match &finding {
            None => Some(self.seal(&digest.heads()).await?.to_string()),
            Some(_) => None,
        };
        Ok(Verdict {
            sound: finding.is_none(),
            chains: digest.chains(),
            links: digest.links,
            rows: digest.rows,
            messages: counts.messages,
            attested: counts.attested,
            signed: digest.signatures.signed(),
            signed_bodies: digest.bodies.found(),
            head,
            finding,
        })
    }

    /// Vouches for the links, and for what was written since the last verification.
    async fn seal(&self, heads: &[Checkpoint]) -> Result<LinkHash, StorageError> {
        while self.status_events.seal().await? {}
        self.chain.seal(heads).await
    }

    /// Checks everything that follows from the rows that were just verified.
    async fn check_messages(&self, counts: &mut Counts) -> Result<Option<Finding>, StorageError> {
        let limit = PageLimit::new(BATCH).unwrap_or_default();
        let mut last: Option<CorrelationId> = None;
        let mut claims = Claims::default();
        loop {
            let checked = self.consistency.check_messages(last.as_ref(), limit).await?;
            if let Some(differs) = checked.differs {
                return Ok(Some(Finding::of(differs)));
            }
            counts.messages += checked.derived;
            counts.attested += checked.attested;
            claims.add(checked.claims);
            last = checked.last;
            if last.is_none() {
                break;
            }
        }
        claims.add_transactions(self.consistency.transactions_without_owner().await?);
        if !claims.is_empty() {
            self.chain.visit_links(&mut claims).await?;
        }
        if let Some(finding) = claims.first() {
            return Ok(Some(finding));
        }
        Ok(self.consistency.contradiction().await?.map(Finding::of))
    }

    async fn search(&self, buckets: Vec<usize>) -> Result<Option<Finding>, StorageError> {
        let mut search = Search::new(buckets);
        self.chain.visit_all(&mut search).await?;
        let Some(Wrong { what, table, key, name, detail }) = search.first() else {
            // It was corrected between the two passes.
            return Ok(None);
        };
        let name = match name {
            Some(name) => name,
            None => self.name(table, &key).await?,
        };
        Ok(Some(match table {
            // What is attested is a message, as long as its attestation is there.
            ChainedTable::Attestations if what == "altered" && key.part == [0; 8] => {
                let detail = "it or its recipients are not as they were when their evidence was removed";
                Finding::new(what, "messages", name, detail)
            }
            ChainedTable::StatusEvents if what != "altered" => Finding::new(what, "status_event_seals", name, detail),
            _ => Finding::new(what, table.as_str(), name, detail),
        }))
    }

    /// Names a row that does not exist any more.
    async fn name(&self, table: ChainedTable, key: &RowKey) -> Result<String, StorageError> {
        let message = match table {
            ChainedTable::Inbound | ChainedTable::Quarantine | ChainedTable::AuditLog => {
                return Ok(hex::encode(key.bytes()));
            }
            ChainedTable::IdempotencyKeys | ChainedTable::Keys => {
                return Ok(format!("sha256:{}", hex::encode(key.bytes())));
            }
            ChainedTable::StatusEventsBegin => return Ok("1".to_owned()),
            ChainedTable::StatusEvents => {
                let [after, up_to] = [key.message, key.part].map(i64::from_be_bytes);
                return Ok(format!("{} to {up_to}", after.saturating_add(1)));
            }
            _ => self.chain.find_message_id(key.message).await?,
        };
        let message = message.map_or_else(|| format!("sha256:{}", hex::encode(key.message)), |id| id.to_string());
        Ok(match table {
            ChainedTable::Notifications => format!("{message} {}", hex::encode(key.part)),
            ChainedTable::DispatchEvents => format!("{message} {}", u64::from_be_bytes(key.part)),
            _ => message,
        })
    }
}
