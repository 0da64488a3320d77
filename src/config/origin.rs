//! The origin of each setting, and its value without secrets.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use toml::{
    Table, Value,
    de::{DeTable, DeValue},
};
use url::Url;

/// The source of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The defaults.
    Default,
    /// The settings file.
    File { path: PathBuf, line: usize },
    /// An environment variable.
    Variable(String),
    /// A file that an environment variable names.
    SecretFile { variable: String, path: PathBuf },
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::SecretFile { variable, path } => write!(f, "{variable} ({})", path.display()),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A setting as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name, as `section.key`.
    pub name: String,
    /// The value; for a secret, only whether it is set.
    pub value: String,
    pub origin: Origin,
}

/// The origins of the settings that do not come from the defaults, by `section.key`.
pub(super) type Origins = BTreeMap<String, Origin>;

/// Settings whose values are not shown.
const SECRET: [&str; 10] = [
    "api.tokens",
    "notify.path_token",
    "notify.hub_secrets",
    "notify.basic",
    "notify.bearer",
    "tls.certificate",
    "tls.key",
    "webex.service_key",
    "webex.service_id",
    "webex.service_secret",
];

/// All settings of a table.
pub(super) fn settings(table: &Table, origins: &Origins) -> Vec<Setting> {
    let mut all = Vec::new();
    collect("", table, origins, &mut all);
    all
}

fn collect(section: &str, table: &Table, origins: &Origins, all: &mut Vec<Setting>) {
    for (key, value) in table {
        let name = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        match value {
            Value::Table(inner) => collect(&name, inner, origins, all),
            value => {
                let origin = origins.get(&name).cloned().unwrap_or(Origin::Default);
                all.push(Setting { value: shown(&name, value), name, origin });
            }
        }
    }
}

fn shown(name: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    };
    let is_empty = value.as_array().map_or_else(|| text.is_empty(), Vec::is_empty);
    match name {
        _ if is_empty => "not set".to_owned(),
        name if SECRET.contains(&name) => "set".to_owned(),
        "database_url" => without_password(&text),
        "public_url" => without_token(&text),
        _ => text,
    }
}

/// A database URL without anything that may be a part of a password.
pub(super) fn without_password(text: &str) -> String {
    if text.starts_with("sqlite:") {
        return text.to_owned();
    }
    let Ok(mut url) = Url::parse(text) else { return "set".to_owned() };
    let had_password = url.password().is_some();
    // This fails only if there is no host, and then there is no password to remove.
    let _ = url.set_password(had_password.then_some("***"));
    let names: Vec<String> = url.query_pairs().map(|(name, _)| format!("{name}=***")).collect();
    url.set_query(Some(names.join("&")).filter(|names| !names.is_empty()).as_deref());
    url.set_fragment(None);
    url.to_string()
}

/// A notify URL without the last part of its path, which may be a token, unless that part is `notify`.
fn without_token(text: &str) -> String {
    let Ok(url) = Url::parse(text) else { return "set".to_owned() };
    let base = format!("{}://{}", url.scheme(), &url[url::Position::BeforeHost..url::Position::AfterPort]);
    let path = url.path().trim_end_matches('/');
    match path.rsplit_once('/') {
        Some((before, last)) if last != "notify" => format!("{base}{before}/***"),
        _ => format!("{base}{path}"),
    }
}

/// The line of each key, by `section.key`.
pub(super) struct Lines<'a> {
    path: &'a Path,
    by_name: BTreeMap<String, usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines in a TOML text.
    pub(super) fn of(path: &'a Path, text: &str) -> Self {
        let mut by_name = BTreeMap::new();
        if let Ok(table) = DeTable::parse(text) {
            find("", table.get_ref(), text, &mut by_name);
        }
        Self { path, by_name }
    }

    /// The origin of the setting `name`.
    pub(super) fn origin(&self, name: &str) -> Origin {
        Origin::File { path: self.path.to_owned(), line: self.by_name.get(name).copied().unwrap_or(1) }
    }
}

fn find(section: &str, table: &DeTable<'_>, text: &str, by_name: &mut BTreeMap<String, usize>) {
    for (key, value) in table {
        let name = if section.is_empty() { key.get_ref().to_string() } else { format!("{section}.{}", key.get_ref()) };
        if let DeValue::Table(inner) = value.get_ref() {
            find(&name, inner, text, by_name);
        }
        by_name.insert(name, line_at(text, key.span().start));
    }
}

/// The number of the line that contains this byte.
pub(super) fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}
