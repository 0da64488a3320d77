//! `receiptd check-config`

use serde_json::json;

use super::{output, settings::SettingsArgs};
use crate::{
    config::{Flags, Settings},
    secret::Secret,
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let settings = args.settings.clone().load(Flags::default())?;
    let facts = facts(&settings);
    if args.json {
        let facts =
            facts.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect::<serde_json::Map<_, _>>();
        return output::json(&facts);
    }
    output::table(&["setting", "is"], facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]));
    Ok(())
}

/// What the settings amount to. No secret is among it.
fn facts(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = secrecy::ExposeSecret::expose_secret(&settings.database_url);
    let database = if url.starts_with("sqlite:") { url } else { "Postgres" };
    let asked = &settings.authentication;
    let parts = [
        ("path token", asked.path_token.is_some()),
        ("signature", asked.hub_secrets.is_some()),
        ("basic", asked.basic.is_some()),
        ("bearer", asked.bearer.is_some()),
    ];
    let asked: Vec<_> = parts.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
    let tokens = settings.tokens.as_ref().map(Secret::current);
    let tokens: Vec<_> = tokens.iter().flat_map(|tokens| tokens.iter()).map(|token| token.name.as_str()).collect();
    let or = |list: Vec<&str>, otherwise: &str| if list.is_empty() { otherwise.to_owned() } else { list.join(", ") };
    let or_none = |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
    let speaks = settings.certificate.as_ref().map_or_else(
        || "HTTP: have a proxy in front, or set tls.certificate and tls.key".to_owned(),
        |certificate| format!("HTTPS, with a certificate until {}", certificate.good_until()),
    );
    vec![
        ("listen", settings.listen.to_string()),
        ("database", database.to_owned()),
        ("API tokens", or(tokens, "none: open to everybody who can connect")),
        ("speaks", speaks),
        ("proxies trusted", or_none(&settings.proxies.trusted.to_string(), "none: the client is whoever connects")),
        ("notify URL open to", or_none(&settings.allowed_addresses.to_string(), "every address")),
        ("notify URL asks for", or(asked, "nothing: open to everybody who can connect")),
        (
            "sending",
            settings.send.as_ref().map_or_else(
                || "off: set webex.region, webex.service_key and public_url".to_owned(),
                |send| format!("through {}", send.base_url.host_str().unwrap_or_default()),
            ),
        ),
    ]
}
