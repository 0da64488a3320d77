//! What the commands about inbound and quarantine share.

use super::source::{Source, SourceArgs, found_wrong};
use crate::{
    domain::{Cutoffs, Fingerprint, ListRequest},
    query::{InboundView, ListView, QuarantineView},
};

/// Which page of a list.
#[derive(clap::Args)]
pub(super) struct PageArgs {
    /// At most so many, 1 to 500
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// Continue where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

/// What a list is told.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) page: PageArgs,
    #[command(flatten)]
    pub(super) source: SourceArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Which one to show.
#[derive(clap::Args)]
pub(super) struct ShowArgs {
    /// As the list has it
    pub(super) fingerprint: String,
    #[command(flatten)]
    pub(super) source: SourceArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl PageArgs {
    pub(super) fn into_pairs(self) -> Vec<(&'static str, String)> {
        let pairs = [("limit", self.limit), ("cursor", self.cursor)];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// There is nothing with this fingerprint.
pub(super) fn not_there(fingerprint: &str) -> anyhow::Error {
    anyhow::anyhow!("there is nothing with the fingerprint {fingerprint:?}")
}

type Pairs = [(&'static str, String)];

impl Source {
    pub(super) async fn inbound(&self, pairs: &Pairs) -> anyhow::Result<ListView<InboundView>> {
        match self {
            Self::Server(remote) => remote.list("v1/inbound", pairs).await,
            Self::Database(query) => {
                let place = place(pairs)?;
                Ok(query.inbound(place.after.as_ref(), place.limit).await?)
            }
        }
    }

    pub(super) async fn inbound_of(&self, fingerprint: &str) -> anyhow::Result<Option<InboundView>> {
        match (self, Fingerprint::from_hex(fingerprint)) {
            (_, None) => Ok(None),
            (Self::Server(remote), Some(fingerprint)) => remote.get(&format!("v1/inbound/{fingerprint}"), &[]).await,
            (Self::Database(query), Some(fingerprint)) => Ok(query.inbound_of(fingerprint).await?),
        }
    }

    pub(super) async fn quarantine(&self, pairs: &Pairs) -> anyhow::Result<ListView<QuarantineView>> {
        match self {
            Self::Server(remote) => remote.list("v1/quarantine", pairs).await,
            Self::Database(query) => {
                let place = place(pairs)?;
                Ok(query.quarantine(place.after.as_ref(), place.limit).await?)
            }
        }
    }

    pub(super) async fn quarantine_of(&self, fingerprint: &str) -> anyhow::Result<Option<QuarantineView>> {
        match (self, Fingerprint::from_hex(fingerprint)) {
            (_, None) => Ok(None),
            (Self::Server(remote), Some(fingerprint)) => remote.get(&format!("v1/quarantine/{fingerprint}"), &[]).await,
            (Self::Database(query), Some(fingerprint)) => Ok(query.quarantine_of(fingerprint).await?),
        }
    }
}

fn place(pairs: &Pairs) -> anyhow::Result<ListRequest> {
    let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str()));
    ListRequest::parse(pairs, &Cutoffs::default()).map_err(|faults| found_wrong(&faults))
}
