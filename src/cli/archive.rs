//! What `receiptd inbound` and `receiptd quarantine` share: each lists what is archived, and shows one of it.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    output::{self, usage_error},
    pairs::{given, texts},
    target::{Target, TargetArgs},
};
use crate::{
    domain::{Cursor, Cutoffs, Fingerprint, ListRequest, PageLimit},
    query::{ListView, Query},
    storage::StorageError,
};

/// What a list is told.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    /// Maximum number of items, 1 to 500
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// Continue after the previous page
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which one to show.
#[derive(clap::Args)]
pub(super) struct ShowArgs {
    /// The fingerprint, from the list
    fingerprint: String,
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ListArgs {
    /// Prints a page of the list that a server has at `path`, and the database by `look`; `nothing` if it is empty.
    pub(super) async fn list<T: Serialize + DeserializeOwned>(
        self,
        path: &str,
        look: impl AsyncFnOnce(&Query, Option<&Cursor>, PageLimit) -> Result<ListView<T>, StorageError>,
        columns: &[&str],
        nothing: &str,
        row: impl Fn(&T) -> Vec<String>,
    ) -> anyhow::Result<()> {
        let pairs = given([("limit", self.limit), ("cursor", self.cursor)]);
        let page: ListView<T> = match self.target.resolve()?.open_for_reading().await? {
            Target::Server(client) => client.list(path, &pairs).await?,
            Target::Database(query) => {
                let request = ListRequest::parse(texts(&pairs), &Cutoffs::default());
                let request = request.map_err(|errors| usage_error(&errors))?;
                look(&query, request.after.as_ref(), request.limit).await?
            }
        };
        if self.json {
            return output::json(&page);
        }
        output::found(nothing, columns, page.items.iter().map(row));
        output::more(page.next_cursor.as_deref());
        Ok(())
    }
}

impl ShowArgs {
    /// Prints one, which a server has below `path`, and the database by `look`.
    pub(super) async fn show<T: Serialize + DeserializeOwned>(
        self,
        path: &str,
        look: impl AsyncFnOnce(&Query, Fingerprint) -> Result<Option<T>, StorageError>,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let found = match (self.target.resolve()?.open_for_reading().await?, Fingerprint::from_hex(&self.fingerprint)) {
            (_, None) => None,
            (Target::Server(client), Some(fingerprint)) => client.get(&format!("{path}/{fingerprint}"), &[]).await?,
            (Target::Database(query), Some(fingerprint)) => look(&query, fingerprint).await?,
        };
        let not_there = || anyhow::anyhow!("no body has the fingerprint {:?}; take it from the list", self.fingerprint);
        let found = found.ok_or_else(not_there)?;
        if self.json {
            return output::json(&found);
        }
        output::text(text(&found));
        Ok(())
    }
}
