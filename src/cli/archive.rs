//! The code that `receiptd inbound` and `receiptd quarantine` share: both list archived bodies, and show one of them.

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

/// The flags of a list.
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

/// The flags that select one body.
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
    /// Prints a page of a list, or `nothing` if it is empty. A server has the list at `path`; `query_page` reads it from the
    /// database.
    pub(super) async fn list<T: Serialize + DeserializeOwned>(
        self,
        path: &str,
        query_page: impl AsyncFnOnce(&Query, Option<&Cursor>, PageLimit) -> Result<ListView<T>, StorageError>,
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
                query_page(&query, request.after.as_ref(), request.limit).await?
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
    /// Prints one body. A server has it below `path`; `query_one` reads it from the database.
    pub(super) async fn show<T: Serialize + DeserializeOwned>(
        self,
        path: &str,
        query_one: impl AsyncFnOnce(&Query, Fingerprint) -> Result<Option<T>, StorageError>,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let found = match (self.target.resolve()?.open_for_reading().await?, Fingerprint::from_hex(&self.fingerprint)) {
            (_, None) => None,
            (Target::Server(client), Some(fingerprint)) => client.get(&format!("{path}/{fingerprint}"), &[]).await?,
            (Target::Database(query), Some(fingerprint)) => query_one(&query, fingerprint).await?,
        };
        let not_found = || anyhow::anyhow!("no body has the fingerprint {:?}; take it from the list", self.fingerprint);
        let found = found.ok_or_else(not_found)?;
        if self.json {
            return output::json(&found);
        }
        output::text(text(&found));
        Ok(())
    }
}
