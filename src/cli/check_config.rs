//! `receiptd check-config`

use serde_json::json;

use super::{output, settings::SettingsArgs};
use crate::{
    config::{Flags, Purpose, Setting, Settings},
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

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let (settings, all) = args.settings.load(Purpose::Serve, Flags::default())?;
    let facts = facts(&settings);
    if args.json {
        let mut report: serde_json::Map<_, _> =
            facts.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let of = |setting: Setting| json!({"name": setting.name, "value": setting.value, "source": setting.origin.to_string()});
        report.insert("settings".to_owned(), all.into_iter().map(of).collect());
        report.insert("ignored variables".to_owned(), json!(settings.foreign_variables));
        report.insert("warnings".to_owned(), json!(settings.warnings));
        return output::json(&report);
    }
    output::table(&["this server", "is"], facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]));
    output::line("");
    let row = |setting: Setting| vec![setting.name, setting.value, setting.origin.to_string()];
    output::table(&["setting", "value", "from"], all.into_iter().map(row));
    for warning in &settings.warnings {
        output::line(format!("warning: {warning}"));
    }
    Ok(())
}

/// What the settings amount to. No secret is among it.
fn facts(settings: &Settings) -> Vec<(&'static str, String)> {
    let url = secrecy::ExposeSecret::expose_secret(&settings.database_url);
    let database = if url.starts_with("sqlite:") { "SQLite" } else { "Postgres" };
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
                |send| format!("through {}", send.base_url),
            ),
        ),
    ]
}
