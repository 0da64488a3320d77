//! Proves the store against its chain.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    search::{Search, Wrong},
    sums::Sums,
};
use crate::{
    domain::{Chained, Hex, LinkHash, Writer},
    storage::{Ledger, StorageError, Store},
};

/// Proves the store.
#[derive(Clone)]
pub struct Proof(Arc<dyn Ledger>);

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Everything is as the chain says.
    pub sound: bool,
    /// How many chains there are: one for each writer, and one more for each time that one was started.
    pub chains: usize,
    /// How many links.
    pub links: u64,
    /// How many rows.
    pub rows: u64,
    /// Vouches for everything that was proved: as long as a later proof finds it, nothing of that is lost or altered.
    pub head: Option<String>,
    /// The first thing that is not as the chain says.
    pub finding: Option<Finding>,
}

/// Something that is not as the chain says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `altered`, `removed` or `inserted`.
    pub what: String,
    /// The table.
    pub table: String,
    /// The row: correlation id and the first half of the fingerprint, or the number of the step; writer and number of a
    /// link. Where the message is gone too, the first 8 bytes of the SHA-256 of its correlation id.
    pub key: String,
    /// What is wrong.
    pub detail: String,
}

impl Finding {
    pub(super) fn link(what: &str, writer: Writer, sequence: i64, detail: &str) -> Self {
        Self {
            what: what.to_owned(),
            table: "links".to_owned(),
            key: format!("{writer} {sequence}"),
            detail: detail.to_owned(),
        }
    }
}

impl Finding {
    /// What is not even of the form that receiptd writes.
    fn corrupt(table: &str, column: &str, key: String) -> Self {
        let detail = format!("its {column} is nothing that receiptd writes");
        Self { what: "altered".to_owned(), table: table.to_owned(), key, detail }
    }
}

impl Proof {
    /// Of `store`.
    pub fn new(store: &Store) -> Self {
        Self(store.ledger.clone())
    }

    /// Looks at every link and every row. With `head`, what that vouched for must still be there. If all is sound, a new
    /// link vouches for it, and its hash is the new head.
    pub async fn verify(&self, head: Option<LinkHash>) -> Result<Verdict, StorageError> {
        let mut sums = Sums::new(rand::random(), head);
        match self.0.survey(&mut sums).await {
            Ok(()) => sums.conclude(),
            Err(StorageError::Corrupt { table, column, row }) => sums.found(Finding::corrupt(table, column, row)),
            Err(error) => return Err(error),
        }
        let unequal = sums.unequal();
        let finding = match sums.finding.take() {
            None if !unequal.is_empty() => self.search(unequal).await?,
            finding => finding,
        };
        let head = match &finding {
            None => Some(self.0.seal(&sums.heads()).await?.to_string()),
            Some(_) => None,
        };
        Ok(Verdict {
            sound: finding.is_none(),
            chains: sums.chains(),
            links: sums.links,
            rows: sums.rows,
            head,
            finding,
        })
    }

    async fn search(&self, buckets: Vec<usize>) -> Result<Option<Finding>, StorageError> {
        let mut search = Search::new(buckets);
        self.0.survey(&mut search).await?;
        let Some(Wrong { what, table, key, correlation_id, detail }) = search.first() else {
            // Somebody put it right between the two looks.
            return Ok(None);
        };
        let known = match correlation_id {
            Some(id) => Some(id),
            None => self.0.name(key.message).await?.map(|id| id.to_string()),
        };
        let message = known.unwrap_or_else(|| format!("sha256:{}", Hex(&key.message)));
        let part = match table {
            Chained::Notifications => Hex(&key.part).to_string(),
            Chained::DispatchEvents => u64::from_be_bytes(key.part).to_string(),
        };
        Ok(Some(Finding {
            what: what.to_owned(),
            table: table.as_str().to_owned(),
            key: format!("{message} {part}"),
            detail: detail.to_owned(),
        }))
    }
}
