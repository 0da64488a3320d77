//! `receiptd check-config`

use anyhow::ensure;
use secrecy::ExposeSecret;
use serde_json::json;
use tracing::Level;

use super::{
    output,
    settings::{SettingsArgs, log_filter},
};
use crate::{
    clock::Clock,
    config::{Flags, Purpose, Setting, Settings},
    observe::{self, LogFilter, causes},
    secret::ReloadableSecret,
    send::{Reach, WebexConnect},
    storage::{self, DatabaseKind},
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Also check whether the database and the platform answer. Nothing is changed or sent
    #[arg(long)]
    connect: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (settings, all) = args.settings.load(Purpose::Serve, Flags::default())?;
    let mut facts = facts(&settings);
    let ignored = storage::ignored_parameters(settings.database_url.expose_secret());
    let ignored = ignored.iter().map(|name| format!("database_url: the parameter {name} is unknown and is ignored"));
    let warnings: Vec<_> = settings.warnings.iter().cloned().chain(ignored).collect();
    let mut failed = false;
    if args.connect {
        observe::init_logging(&log_filter(LogFilter::at_least(Level::WARN))?, settings.log_format);
        for (name, result) in
            [("database answers", database(&settings).await), ("platform answers", platform(&settings).await)]
        {
            failed |= result.is_err();
            facts.push((name, result.unwrap_or_else(|why| format!("no: {why}"))));
        }
    }
    if args.json {
        let mut report: serde_json::Map<_, _> =
            facts.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let of = |setting: Setting| json!({"name": setting.name, "value": setting.value, "source": setting.origin.to_string()});
        report.insert("settings".to_owned(), all.into_iter().map(of).collect());
        report.insert("ignored variables".to_owned(), json!(settings.foreign_variables));
        report.insert("warnings".to_owned(), json!(warnings));
        output::json(&report)?;
        return outcome(failed);
    }
    output::table(&["this server", "is"], facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]));
    output::line("");
    let row = |setting: Setting| vec![setting.name, setting.value, setting.origin.to_string()];
    output::table(&["setting", "value", "from"], all.into_iter().map(row));
    for warning in &warnings {
        output::line(format!("warning: {warning}"));
    }
    outcome(failed)
}

fn outcome(failed: bool) -> anyhow::Result<()> {
    ensure!(!failed, "the database or the platform did not answer as it should; see above");
    Ok(())
}

/// Checks whether the database answers, and changes nothing in it.
async fn database(settings: &Settings) -> Result<String, String> {
    match storage::probe(settings.database_url.expose_secret(), settings.database).await {
        Ok(true) => Ok("yes".to_owned()),
        Ok(false) => Ok("there is no file yet; serve creates it".to_owned()),
        Err(error) => Err(causes(&error)),
    }
}

/// Checks whether the platform answers, and sends nothing.
async fn platform(settings: &Settings) -> Result<String, String> {
    let Some(send) = &settings.send else { return Ok("not asked: sending is off".to_owned()) };
    let (base, credentials) = (send.base_url.clone(), send.credentials.clone());
    let platform =
        WebexConnect::new(base, credentials, send.timeout, Clock::system()).map_err(|error| causes(&error))?;
    match Reach::of(&platform).await {
        Reach::Admitted => Ok("yes, and it accepts the credentials".to_owned()),
        Reach::Denied(how) => Err(format!("it rejects the credentials ({how}); see webex.service_key")),
        Reach::Unreachable(why) => Err(format!("it cannot be reached at {}: {why}", send.base_url)),
        Reach::Odd(how) => Err(format!("what answers at {} is not Webex Connect ({how})", send.base_url)),
    }
}

/// A summary of the settings, without secrets.
fn facts(settings: &Settings) -> Vec<(&'static str, String)> {
    let kind = storage::check_url(settings.database_url.expose_secret(), settings.database.access);
    let database = match kind {
        Ok(DatabaseKind::Sqlite) => "SQLite",
        Ok(DatabaseKind::Postgres) => "Postgres",
        // This does not happen: the settings would have been rejected.
        Err(_) => "unknown",
    };
    let authentication = &settings.authentication;
    let methods = [
        ("path token", authentication.path_token.is_some()),
        ("signature", authentication.hub_secrets.is_some()),
        ("basic", authentication.basic.is_some()),
        ("bearer", authentication.bearer.is_some()),
    ];
    let required: Vec<_> = methods.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
    let tokens = settings.tokens.as_ref().map(ReloadableSecret::current);
    let tokens: Vec<_> = tokens.iter().flat_map(|tokens| tokens.iter()).map(|token| token.name.as_str()).collect();
    let or = |list: Vec<&str>, otherwise: &str| if list.is_empty() { otherwise.to_owned() } else { list.join(", ") };
    let or_none = |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
    let protocol = settings.certificate.as_ref().map_or_else(
        || "HTTP: use a proxy with HTTPS, or set tls.certificate and tls.key".to_owned(),
        |certificate| format!("HTTPS, with a certificate until {}", certificate.good_until()),
    );
    vec![
        ("listen", settings.listen.to_string()),
        ("database", database.to_owned()),
        ("API tokens", or(tokens, "none: open to every client that can connect")),
        ("speaks", protocol),
        (
            "proxies trusted",
            or_none(&settings.proxies.trusted.to_string(), "none: the client's address is that of the connection"),
        ),
        ("notify URL open to", or_none(&settings.allowed_addresses.to_string(), "every address")),
        ("notify URL asks for", or(required, "nothing: open to every client that can connect")),
        (
            "sending",
            settings.send.as_ref().map_or_else(
                || "off: set webex.region, webex.service_key and public_url".to_owned(),
                |send| format!("through {}", send.base_url),
            ),
        ),
    ]
}
