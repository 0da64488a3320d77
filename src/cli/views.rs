//! `receiptd views`, and `--view` of the commands that list and count

use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::json;

use super::{
    client::Client,
    output::{self, UsageError, usage_error},
    pairs::Pairs,
    settings::{self, user},
    target::{Target, TargetArgs},
};
use crate::{
    clock::Clock,
    domain::{AuditRequest, ListRequest, PAGING, ViewId, ViewedList},
    query::{Query, SavedViewRequest, SavedViewView, SavedViewsView, search_body, too_many_views},
    storage::Access,
};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Subcommand)]
enum Action {
    /// List saved views (the default)
    List(ListArgs),
    /// Save filters under a name. A view with the same name is replaced
    Save(SaveArgs),
    /// Remove a saved view
    Remove(RemoveArgs),
}

#[derive(clap::Args)]
struct ListArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct SaveArgs {
    /// The name of the view, one line
    name: String,
    /// The filters, with their names in the API, as in status=failed channel=sms
    #[arg(required = true, value_name = "FILTER=VALUE", value_parser = filter)]
    filters: Vec<(String, String)>,
    /// The list: messages (as `receiptd messages`), failures (as `receiptd stats`) or audit
    #[arg(long, value_name = "LIST", default_value = "messages")]
    of: String,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(clap::Args)]
struct RemoveArgs {
    /// The name of the view
    name: String,
    /// The list: messages, failures or audit
    #[arg(long, value_name = "LIST", default_value = "messages")]
    of: String,
    #[command(flatten)]
    target: TargetArgs,
}

const PATH: &str = "v1/views";

/// Where the views of the caller are: those of the token at a server, or those of the user in a database.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Server(&'a Client),
    Database(&'a Query),
}

impl<'a> Source<'a> {
    pub(super) fn of(target: &'a Target<Query>) -> Self {
        match target {
            Target::Server(client) => Self::Server(client),
            Target::Database(query) => Self::Database(query),
        }
    }

    async fn all(self) -> anyhow::Result<Vec<SavedViewView>> {
        match self {
            Self::Server(client) => {
                let views: Option<SavedViewsView> = client.get(PATH, &[]).await?;
                Ok(views.context("the server has no saved views; is it an older version?")?.items)
            }
            Self::Database(query) => Ok(query.saved_views(&user()).await?.iter().map(SavedViewView::of).collect()),
        }
    }

    /// The view with this name.
    async fn named(self, name: &str, list: ViewedList) -> anyhow::Result<SavedViewView> {
        let (name, of) = (name.trim(), list.as_str());
        let found = self.all().await?.into_iter().find(|view| view.of == of && view.name == name);
        found.with_context(|| format!("there is no saved view {name:?} of {of}; `receiptd views` lists them"))
    }
}

fn filter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as in status=failed")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(args) => list(args).await,
        Action::Save(args) => save(args).await,
        Action::Remove(args) => remove(args).await,
    }
}

async fn list(args: ListArgs) -> anyhow::Result<()> {
    let views = Source::of(&args.target.resolve()?.open_for_reading().await?).all().await?;
    if args.json {
        return output::json(&SavedViewsView { items: views });
    }
    let rows = views.into_iter().map(|view| {
        let filters = view.filter.iter().map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}={text}"),
            None => format!("{name}={value}"),
        });
        vec![view.of.clone(), view.name.clone(), filters.collect::<Vec<_>>().join(" ")]
    });
    output::found("no saved views", &["of", "name", "filters"], rows);
    Ok(())
}

async fn save(args: SaveArgs) -> anyhow::Result<()> {
    let filters = || args.filters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = SavedViewRequest::parse(&args.of, &args.name, filters()).map_err(|errors| usage_error(&errors))?;
    match args.target.resolve()? {
        Target::Server(client) => {
            let request = json!({"of": args.of, "name": args.name, "filter": search_body(filters())});
            client.post_json::<SavedViewView>(PATH, &request).await?;
        }
        Target::Database(settings) => {
            let (store, _) = settings::open_for(Access::Write, settings).await?;
            let view = request.view(ViewId::new(rand::random()), Clock::system().now());
            if store.saved_views.save(user().as_str(), &view).await?.is_none() {
                bail!(too_many_views());
            }
        }
    }
    output::line(format!("saved {:?} of {}", args.name.trim(), args.of));
    Ok(())
}

async fn remove(args: RemoveArgs) -> anyhow::Result<()> {
    let list = ViewedList::from_word(&args.of);
    let words = || ViewedList::ALL.map(ViewedList::as_str).join(", ");
    let list = list.ok_or_else(|| UsageError(format!("--of must be one of {}", words())))?;
    match args.target.resolve()? {
        Target::Server(client) => {
            let view = Source::Server(&client).named(&args.name, list).await?;
            client.delete(&format!("{PATH}/{}", view.id)).await?;
        }
        Target::Database(settings) => {
            let (store, settings) = settings::open_for(Access::Write, settings).await?;
            let query = Query::new(&store, settings.deadlines, Clock::system());
            let view = Source::Database(&query).named(&args.name, list).await?;
            let id = ViewId::from_hex(&view.id).context("the id of the view cannot be read")?;
            store.saved_views.remove(user().as_str(), id).await?;
        }
    }
    output::line(format!("removed {:?} of {}", args.name.trim(), args.of));
    Ok(())
}

/// A filter that a view can contain, by its name.
fn known_filter(name: &str) -> Option<&'static str> {
    let mut filters = ListRequest::NAMES.into_iter().chain(AuditRequest::NAMES).filter(|name| !PAGING.contains(name));
    filters.find(|known| *known == name)
}

/// Adds the filters of the view with this name, if one is named, to those of the flags.
pub(super) async fn add(
    name: Option<&str>,
    list: ViewedList,
    source: Source<'_>,
    filters: &mut Vec<(&'static str, String)>,
) -> anyhow::Result<()> {
    let Some(name) = name else { return Ok(()) };
    let view = source.named(name, list).await?;
    for (given, value) in &view.filter {
        let known = known_filter(given);
        let known = known.with_context(|| format!("this version does not know the filter {given} of the view"))?;
        if has(filters, known) {
            bail!(UsageError(format!("the view {name:?} has the filter {known} already; leave it out, or the view")));
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        filters.push((known, text));
    }
    Ok(())
}

fn has(filters: &Pairs, name: &str) -> bool {
    filters.iter().any(|(given, _)| *given == name)
}
