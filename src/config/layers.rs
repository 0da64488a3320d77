//! Merges the sources into one table.
//!
//! The defaults file is the schema: it names every key, and the type of its default is the type of the setting.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::ConfigError;
use crate::secret::{self, Source};

/// The commented defaults, as they are in the repository.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

const PREFIX: &str = "RECEIPTD_";
/// Read if it is there and no other is named.
const FILE: &str = "receiptd.toml";
/// Has a name of its own, since everybody sets it.
const TOKENS: (&str, &str) = ("RECEIPTD_API_TOKENS", "RECEIPTD_API__TOKENS");

/// Sections that take any channel, with a whole number: those without one of their own have no default either.
const BY_CHANNEL: [&str; 2] = ["overdue", "send.channel_rates"];

/// Settings given on the command line.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--listen`
    pub listen: Option<String>,
    /// `--database-url`
    pub database_url: Option<String>,
    /// `--public-url`
    pub public_url: Option<String>,
    /// `--insecure`
    pub insecure: bool,
}

/// By `section.key`, the settings that were read from files of their own.
pub(super) type Files = BTreeMap<String, Source>;

/// All sources in one table, with every key of the defaults and no other; and where a value came from a file of its
/// own, which.
pub(super) fn merge(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
    file: Option<PathBuf>,
) -> Result<(Table, Files), ConfigError> {
    let mut table: Table =
        DEFAULTS.parse().map_err(|error| ConfigError::one(format!("config.default.toml: {error}")))?;
    let known = table.clone();
    let mut faults = Vec::new();
    merge_file(&mut table, &known, file, &mut faults);
    let files = merge_environment(&mut table, &known, environment, &mut faults);
    let given = [("listen", &flags.listen), ("database_url", &flags.database_url), ("public_url", &flags.public_url)];
    for (key, value) in given {
        if let Some(value) = value {
            table.insert(key.to_owned(), Value::String(value.clone()));
        }
    }
    if flags.insecure {
        table.insert("insecure".to_owned(), Value::Boolean(true));
    }
    if faults.is_empty() { Ok((table, files)) } else { Err(ConfigError(faults)) }
}

fn merge_file(table: &mut Table, known: &Table, file: Option<PathBuf>, faults: &mut Vec<String>) {
    let (path, named) = file.map_or_else(|| (PathBuf::from(FILE), false), |path| (path, true));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => return,
        Err(error) => return faults.push(format!("{} cannot be read: {error}", path.display())),
    };
    match text.parse::<Table>() {
        Ok(given) => overlay(table, known, given, "", &path.display().to_string(), faults),
        // Position and cause, but not the line, which may hold a secret.
        Err(error) => faults.push(format!("{} is not TOML: {}", path.display(), error.message())),
    }
}

fn overlay(table: &mut Table, known: &Table, given: Table, section: &str, origin: &str, faults: &mut Vec<String>) {
    for (key, value) in given {
        let name = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        match (known.get(&key), table.get_mut(&key), value) {
            (Some(Value::Table(known)), Some(Value::Table(table)), Value::Table(given)) => {
                overlay(table, known, given, &name, origin, faults);
            }
            (Some(known), Some(slot), value) if fits(known, &value, &name) => *slot = value,
            // One text is a list of it; an empty one, of nothing.
            (Some(Value::Array(_)), Some(slot), Value::String(text)) => {
                *slot =
                    Value::Array(Some(text).filter(|text| !text.is_empty()).map(Value::String).into_iter().collect());
            }
            // Without the value, which may be a secret.
            (Some(known), ..) => faults.push(format!("{name} in {origin} must be {}", type_words(known))),
            (None, _, value) if BY_CHANNEL.contains(&section) => _ = table.insert(key, value),
            _ => faults.push(unknown(&format!("{name} in {origin}"), &name, known_names())),
        }
    }
}

fn merge_environment(
    table: &mut Table,
    known: &Table,
    environment: impl IntoIterator<Item = (String, String)>,
    faults: &mut Vec<String>,
) -> Files {
    let mut files = Files::new();
    let variables: BTreeMap<String, String> =
        environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    for (variable, value) in &variables {
        let (name, value, file) = match variable.strip_suffix("_FILE") {
            None => (variable.as_str(), value.clone(), None),
            Some(name) if variables.contains_key(name) => {
                faults.push(format!("{name} and {variable} exclude each other"));
                continue;
            }
            Some(name) => match secret::read(Path::new(value)) {
                Ok(content) => (name, content, Some(PathBuf::from(value))),
                Err(error) => {
                    faults.push(format!("{variable}: the file cannot be read: {error}"));
                    continue;
                }
            },
        };
        let name = if name == TOKENS.0 { TOKENS.1 } else { name };
        let path = name.strip_prefix(PREFIX).unwrap_or_default().to_lowercase();
        let path: Vec<&str> = path.split("__").collect();
        let Some(default) = default(known, &path) else {
            let names = known_names().into_iter().map(|name| variable_name(&name)).collect();
            faults.push(unknown(variable, variable, names));
            continue;
        };
        match typed(&default, &value) {
            Some(value) => set(table, &path, value),
            None => faults.push(format!("{variable} must be {}", type_words(&default))),
        }
        files.extend(file.map(|file| (path.join("."), Source { value: value.into(), file: Some(file) })));
    }
    files
}

/// The default of the setting at `path`, or a value of its type.
fn default(known: &Table, path: &[&str]) -> Option<Value> {
    let (key, sections) = path.split_last()?;
    let section = sections.iter().try_fold(known, |table, name| table.get(*name)?.as_table())?;
    let of_channel = || BY_CHANNEL.contains(&sections.join(".").as_str()).then_some(Value::Integer(0));
    section.get(*key).filter(|default| !default.is_table()).cloned().or_else(of_channel)
}

/// Whether a value has the type of the default. Lists hold texts; tokens may also be tables.
fn fits(default: &Value, value: &Value, name: &str) -> bool {
    match value.as_array() {
        Some(items) => {
            default.is_array() && items.iter().all(|item| item.is_str() || (name == "api.tokens" && item.is_table()))
        }
        None => default.same_type(value),
    }
}

/// Reads a text as the type that the default has.
fn typed(default: &Value, text: &str) -> Option<Value> {
    match default {
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Array(_) => Some(Value::Array(items(text).map(|item| Value::String(item.to_owned())).collect())),
        _ => Some(Value::String(text.to_owned())),
    }
}

/// The items of a list that is given as one text: by commas, or one a line.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty())
}

fn type_words(default: &Value) -> &'static str {
    match default {
        Value::Boolean(_) => "true or false",
        Value::Integer(_) => "a whole number",
        Value::Array(_) => "a list of texts",
        Value::Table(_) => "a section",
        _ => "a text",
    }
}

fn set(table: &mut Table, path: &[&str], value: Value) {
    match path {
        [key] => _ = table.insert((*key).to_owned(), value),
        [section, rest @ ..] => {
            if let Some(Value::Table(table)) = table.get_mut(*section) {
                set(table, rest, value);
            }
        }
        [] => {}
    }
}

/// Every key, as `section.key`.
fn known_names() -> Vec<String> {
    let table: Table = DEFAULTS.parse().unwrap_or_default();
    let name = |(key, value): (String, Value)| match value {
        Value::Table(section) => section.keys().map(|inner| format!("{key}.{inner}")).collect(),
        _ => vec![key],
    };
    table.into_iter().flat_map(name).collect()
}

fn variable_name(key: &str) -> String {
    match key {
        "api.tokens" => TOKENS.0.to_owned(),
        key => format!("{PREFIX}{}", key.to_uppercase().replace('.', "__")),
    }
}

fn unknown(what: &str, name: &str, known: Vec<String>) -> String {
    let nearest = known.into_iter().map(|known| (strsim::jaro_winkler(name, &known), known));
    match nearest.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((likeness, nearest)) if likeness > 0.8 => format!("there is no setting {what}; is it {nearest}?"),
        _ => format!("there is no setting {what}; config.default.toml names them all"),
    }
}
