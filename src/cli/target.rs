//! The target of a command: the database directly, or a running server over HTTP.

use url::Url;

use super::{
    client::Client,
    output::UsageError,
    settings::{self, SettingsArgs},
    variables::{secret, variable},
};
use crate::{clock::Clock, query::Query, storage::Access, webex::authority_follows_scheme};

const SERVER: &str = "Ask this running server instead of the database  [env: RECEIPTD_SERVER]";
const TOKEN: &str = "The API token for --server  [env: RECEIPTD_TOKEN, or RECEIPTD_TOKEN_FILE for a file with it]";

/// The flags that select the target.
#[derive(clap::Args, Clone)]
pub(super) struct TargetArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    #[arg(long, value_name = "URL", help = SERVER)]
    server: Option<String>,
    #[arg(long, value_name = "TOKEN", help = TOKEN)]
    token: Option<String>,
}

/// The database or a server. `D` is `SettingsArgs` until the command opens the database, and then whatever it opened,
/// for example `Query`.
pub(super) enum Target<D = SettingsArgs> {
    Database(D),
    Server(Client),
}

impl TargetArgs {
    /// Returns the server if the flags or the environment name one, or else the database. Nothing is opened yet, and no request
    /// is sent.
    pub(super) fn resolve(self) -> anyhow::Result<Target> {
        let server = match self.server.filter(|server| !server.is_empty()) {
            Some(server) => Some(server),
            None => variable("RECEIPTD_SERVER")?,
        };
        let Some(server) = server else { return Ok(Target::Database(self.settings)) };
        // `Url::has_host` checks the parsed URL. The text is checked too, because the parser accepts `http:///x` with
        // `x` as the host.
        let is_complete = |url: &Url| url.has_host() && authority_follows_scheme(&server);
        let base = Url::parse(&server).ok().filter(|url| is_complete(url) && matches!(url.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| {
            UsageError("--server must be an http or https URL, as in http://127.0.0.1:8080".to_owned())
        })?;
        let token = secret(self.token.as_deref(), "RECEIPTD_TOKEN")?;
        let is_valid = token.iter().all(|token| token.chars().all(|c| c.is_ascii_graphic()));
        anyhow::ensure!(
            is_valid,
            UsageError("the API token contains characters that a header cannot contain".to_owned())
        );
        Ok(Target::Server(Client::new(base, token)?))
    }
}

impl Target {
    /// Opens the database for reading, unless the target is a server.
    pub(super) async fn open_for_reading(self) -> anyhow::Result<Target<Query>> {
        match self {
            Self::Server(client) => Ok(Target::Server(client)),
            Self::Database(settings) => {
                let (store, settings) = settings::open_for(Access::Read, settings).await?;
                Ok(Target::Database(Query::new(&store, settings.deadlines, Clock::system())))
            }
        }
    }
}
