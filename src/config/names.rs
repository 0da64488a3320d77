//! The names of settings and of their environment variables, and which variables Kubernetes creates.

use std::net::{IpAddr, SocketAddr};

use toml::{Table, Value};

/// The commented defaults, as they are in the repository. They name every setting.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

pub(super) const PREFIX: &str = "RECEIPTD_";
/// This setting has a second, simpler variable, since almost every server sets it.
const TOKENS: (&str, &str) = ("RECEIPTD_API_TOKENS", "RECEIPTD_API__TOKENS");

/// Sections with a whole number per channel. Channels that the defaults do not name may be added.
pub(super) const BY_CHANNEL: [&str; 2] = ["overdue", "send.channel_rates"];

/// Names that other programs use, and the settings that are probably meant.
const ALIASES: [(&str, &str); 22] = [
    ("port", "listen"),
    ("host", "listen"),
    ("addr", "listen"),
    ("address", "listen"),
    ("bind", "listen"),
    ("http_port", "listen"),
    ("http_listen", "listen"),
    ("server_port", "listen"),
    ("db", "database_url"),
    ("db_url", "database_url"),
    ("database", "database_url"),
    ("dsn", "database_url"),
    ("log", "log_filter"),
    ("log_level", "log_filter"),
    ("loglevel", "log_filter"),
    ("url", "public_url"),
    ("notify_url", "public_url"),
    ("base_url", "webex_base_url"),
    ("service_key", "webex_service_key"),
    ("auth_tokens", "api_tokens"),
    ("token_secret", "api_tokens"),
    ("path_token", "notify_path_token"),
];

/// A setting that a variable names: its path in the table, and its default or a value of the same type.
pub(super) struct Named {
    pub(super) path: Vec<String>,
    pub(super) default: Value,
}

impl Named {
    /// The setting of this variable, if there is one.
    pub(super) fn by(variable: &str, known: &Table) -> Option<Self> {
        let name = if variable == TOKENS.0 { TOKENS.1 } else { variable };
        let path: Vec<_> = name.strip_prefix(PREFIX)?.to_lowercase().split("__").map(str::to_owned).collect();
        let default = default(known, &path)?;
        Some(Self { path, default })
    }

    /// As `section.key`.
    pub(super) fn name(&self) -> String {
        self.path.join(".")
    }
}

/// The default of the setting at `path`, or a value of its type.
fn default(known: &Table, path: &[String]) -> Option<Value> {
    let (key, sections) = path.split_last()?;
    let section = sections.iter().try_fold(known, |table, name| table.get(name)?.as_table())?;
    let of_channel = || BY_CHANNEL.contains(&sections.join(".").as_str()).then_some(Value::Integer(0));
    section.get(key).filter(|default| !default.is_table()).cloned().or_else(of_channel)
}

/// Every key, as `section.key`.
pub(super) fn known_names() -> Vec<String> {
    let table: Table = DEFAULTS.parse().unwrap_or_default();
    let name = |(key, value): (String, Value)| match value {
        Value::Table(section) => section.keys().map(|inner| format!("{key}.{inner}")).collect(),
        _ => vec![key],
    };
    table.into_iter().flat_map(name).collect()
}

/// Every variable.
pub(super) fn known_variables() -> Vec<String> {
    let variable = |key: String| match key.as_str() {
        "api.tokens" => TOKENS.0.to_owned(),
        key => format!("{PREFIX}{}", key.to_uppercase().replace('.', "__")),
    };
    known_names().into_iter().map(variable).collect()
}

/// The error for an unknown setting, with the one that was probably meant.
pub(super) fn unknown(what: &str, name: &str, known: Vec<String>) -> String {
    let plain =
        |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase().replace("__", "_").replace('.', "_");
    let meant = ALIASES.iter().find(|(word, _)| *word == plain(name));
    if let Some(meant) = meant.and_then(|(_, setting)| known.iter().find(|known| plain(known) == *setting)) {
        return format!("there is no setting {what}; did you mean {meant}?");
    }
    let nearest = known.into_iter().map(|known| (strsim::jaro_winkler(name, &known), known));
    match nearest.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((likeness, nearest)) if likeness > 0.8 => format!("there is no setting {what}; did you mean {nearest}?"),
        _ => format!("there is no setting {what}; see config.default.toml for all settings"),
    }
}

/// Returns whether Kubernetes created this variable. For each service of a namespace, Kubernetes puts the address of the
/// service into variables of every container. The variables of a service `receiptd` or `receiptd-db` begin like ours. The
/// value is checked too, so that a misspelt setting is still an error.
pub(super) fn is_service_link(variable: &str, value: &str) -> bool {
    // Two underscores separate section and key in our names.
    let Some(rest) = variable.strip_prefix(PREFIX).filter(|rest| !rest.contains("__")) else { return false };
    let is_address = || value.parse::<IpAddr>().is_ok();
    let is_port = || value.parse::<u16>().is_ok();
    let is_url = || {
        let socket = value.split_once("://").filter(|(protocol, _)| is_protocol(protocol));
        socket.is_some_and(|(_, address)| address.parse::<SocketAddr>().is_ok())
    };
    let words: Vec<&str> = rest.split('_').collect();
    match words.as_slice() {
        [.., "SERVICE", "HOST"] => is_address(),
        [.., "PORT", number, protocol] if is_number(number) && is_protocol(protocol) => is_url(),
        [.., "PORT", number, protocol, part] if is_number(number) && is_protocol(protocol) => match *part {
            "PROTO" => is_protocol(value),
            "PORT" => is_port(),
            "ADDR" => is_address(),
            _ => false,
        },
        // The port of the service. If the service has several, the name of the port follows.
        words if words.windows(2).any(|pair| pair == ["SERVICE", "PORT"]) => is_port(),
        [.., "PORT"] => is_url(),
        _ => false,
    }
}

fn is_number(word: &str) -> bool {
    word.parse::<u16>().is_ok()
}

fn is_protocol(word: &str) -> bool {
    ["tcp", "udp", "sctp"].iter().any(|protocol| protocol.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_other_programs_use_leads_to_our_setting() {
        for (name, setting) in ALIASES {
            let variable = format!("{PREFIX}{}", name.to_uppercase());
            let error = unknown(&variable, &variable, known_variables());
            let ours = error.rsplit(' ').next().unwrap().trim_end_matches('?');
            let path = ours.strip_prefix(PREFIX).unwrap().to_lowercase().replace("__", "_");
            assert_eq!(path, setting, "{error}");
        }
        assert!(unknown("port in x", "port", known_names()).ends_with("did you mean listen?"));
    }

    #[test]
    fn the_variables_of_a_kubernetes_service_are_distinguished_from_misspelt_settings() {
        for (variable, value) in [
            ("RECEIPTD_SERVICE_HOST", "10.0.0.1"),
            ("RECEIPTD_SERVICE_HOST", "fd00::1"),
            ("RECEIPTD_SERVICE_PORT", "8080"),
            ("RECEIPTD_SERVICE_PORT_HTTP", "8080"),
            ("RECEIPTD_SERVICE_PORT_HTTP_METRICS", "9090"),
            ("RECEIPTD_SERVICE_PORT_FILE", "8081"),
            ("RECEIPTD_PORT", "tcp://10.0.0.1:8080"),
            ("RECEIPTD_PORT", "tcp://[fd00::1]:8080"),
            ("RECEIPTD_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("RECEIPTD_PORT_8080_TCP_PROTO", "tcp"),
            ("RECEIPTD_PORT_8080_TCP_PORT", "8080"),
            ("RECEIPTD_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("RECEIPTD_PORT_53_UDP", "udp://10.0.0.1:53"),
            ("RECEIPTD_PORT_53_UDP_PROTO", "udp"),
            ("RECEIPTD_PORT_9_SCTP_ADDR", "10.0.0.1"),
            ("RECEIPTD_DB_PORT", "tcp://10.0.0.2:5432"),
            ("RECEIPTD_DB_SERVICE_HOST", "10.0.0.2"),
            ("RECEIPTD_DB_PORT_5432_TCP_PORT", "5432"),
            ("RECEIPTD_LISTEN_PORT", "tcp://10.0.0.2:80"),
            ("RECEIPTD_SERVICE_SERVICE_PORT", "80"),
        ] {
            assert!(is_service_link(variable, value), "{variable}={value}");
        }
        for (variable, value) in [
            ("RECEIPTD_PORT", "8080"),
            ("RECEIPTD_PORT", "127.0.0.1:8080"),
            ("RECEIPTD_LISTEN_PORT", "8080"),
            ("RECEIPTD_PORT", "http://10.0.0.1:8080"),
            ("RECEIPTD_SERVICE_HOST", "db.example.com"),
            ("RECEIPTD_SERVICE_PORT", "s3cret"),
            ("RECEIPTD_WEBEX__SERVICE_HOST", "10.0.0.1"),
            ("RECEIPTD_WEBEX__SERVICE_PORT", "8080"),
            ("RECEIPTD_HTTP__PORT", "tcp://10.0.0.1:8080"),
            ("RECEIPTD_HTTP__PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("RECEIPTD_WEBEX__SERVICE_KEY", "8080"),
            ("RECEIPTD_WEBEX__SERVCE_KEY", "8080"),
            ("RECEIPTD_PORT_8080_TCP_ADDR", "tcp"),
            ("RECEIPTD_PORT_8080_TCP_NAME", "tcp"),
            ("RECEIPTD_PORT_HTTP_TCP", "tcp://10.0.0.1:8080"),
            ("RECEIPTD_LISTN", "10.0.0.1:80"),
            ("PORT", "tcp://10.0.0.1:8080"),
        ] {
            assert!(!is_service_link(variable, value), "{variable}={value}");
        }
    }
}
