//! Merges the sources into one table.
//!
//! The defaults file is the schema: it names every key, and the type of its default is the type of the setting.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{
    errors::{ConfigError, ConfigErrors},
    names::{self, BY_CHANNEL, DEFAULTS, Named, PREFIX, is_service_link, unknown},
    origin::{Lines, Origin, Origins, line_at},
    purpose::Purpose,
};
use crate::secret::{self, SecretSource};

/// The settings file that is read if it exists and no other is named.
const FILE: &str = "receiptd.toml";

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

/// The settings that were read from files of their own, by `section.key`.
pub(super) type Files = BTreeMap<String, SecretSource>;

/// All sources merged into one table. It has every key of the defaults, and beyond these only names of channels.
pub(super) struct Merged {
    pub(super) table: Table,
    pub(super) files: Files,
    pub(super) origins: Origins,
    /// Variables with our prefix that Kubernetes created.
    pub(super) foreign: Vec<String>,
}

/// Precedence: flags > environment > file > defaults. In each of them, an empty text counts as not set.
pub(super) fn merge(
    purpose: Purpose,
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
    file: Option<PathBuf>,
) -> Result<Merged, ConfigError> {
    let table: Table = DEFAULTS.parse().map_err(|error| ConfigError::one(format!("config.default.toml: {error}")))?;
    let known = table.clone();
    let merged = Merged { table, files: Files::new(), origins: Origins::new(), foreign: Vec::new() };
    let mut layers = Layers { purpose, known, merged, errors: ConfigErrors::default() };
    layers.file(file);
    layers.environment(environment);
    layers.flags(flags);
    layers.errors.finish(Some(layers.merged))
}

struct Layers {
    purpose: Purpose,
    known: Table,
    merged: Merged,
    errors: ConfigErrors,
}

impl Layers {
    fn file(&mut self, file: Option<PathBuf>) {
        let (path, named) = file.map_or_else(|| (PathBuf::from(FILE), false), |path| (path, true));
        let text = match fs::read_to_string(&path) {
            Ok(text) => secret::without_mark(&text).to_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => return,
            Err(error) => return self.errors.push(format!("{} cannot be read: {error}", path.display())),
        };
        match text.parse::<Table>() {
            Ok(given) => self.overlay(&[], given, &Lines::of(&path, &text)),
            // The error contains the position and the cause, but not the line itself, which may contain a secret.
            Err(error) => {
                let line = error.span().map(|span| format!(", line {}", line_at(&text, span.start)));
                let (line, cause) = (line.unwrap_or_default(), error.message());
                self.errors.push(format!("{}{line}: this is not TOML: {cause}", path.display()));
            }
        }
    }

    /// Applies the section `at` of the file.
    fn overlay(&mut self, at: &[String], given: Table, lines: &Lines<'_>) {
        let section = at.join(".");
        for (key, value) in given {
            let path = [at, &[key]].concat();
            let name = path.join(".");
            let known = look_up(&self.known, &path).cloned();
            let origin = lines.origin(&name);
            match (known, value) {
                (Some(Value::Table(_)), Value::Table(given)) => self.overlay(&path, given, lines),
                (None, value) if !BY_CHANNEL.contains(&section.as_str()) || value.is_table() => {
                    self.errors.push(unknown(&format!("{name} in {origin}"), &name, names::known_names()));
                }
                (known, value) => {
                    let default = known.unwrap_or(Value::Integer(0));
                    if self.purpose.needs(&name) && value.as_str() != Some("") {
                        self.apply(&path, &default, value, origin);
                    }
                }
            }
        }
    }

    /// Applies a value from the file, if it has the right type.
    fn apply(&mut self, path: &[String], default: &Value, value: Value, origin: Origin) {
        let name = path.join(".");
        let value = match value {
            // A single text counts as a list with one item.
            Value::String(text) if default.is_array() => Value::Array(vec![Value::String(text)]),
            value => value,
        };
        if has_type_of(default, &value, &name) {
            self.set(path, value, origin);
        } else {
            // The error does not contain the value, which may be a secret.
            self.errors.push(format!("{name} in {origin} must be {}", type_name(default, &name)));
        }
    }

    fn environment(&mut self, environment: impl IntoIterator<Item = (String, String)>) {
        let ours = environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX));
        let given = ours.map(|(name, value)| (name, secret::without_mark(&value).to_owned()));
        let given: BTreeMap<String, String> = given.filter(|(_, value)| !value.is_empty()).collect();
        let known = names::known_variables();
        for (variable, value) in &given {
            let base = variable.strip_suffix("_FILE");
            let is_known = |name: &str| known.iter().any(|known| known == name);
            if !is_known(variable) && !base.is_some_and(is_known) && is_service_link(variable, value) {
                self.merged.foreign.push(variable.clone());
            } else if let Some((base, named)) = base.and_then(|base| Some((base, Named::by(base, &self.known)?))) {
                if given.contains_key(base) {
                    self.errors.push(format!("{base} and {variable} exclude each other; set only one of them"));
                } else {
                    self.secret_file(variable, Path::new(value), &named);
                }
            } else if let Some(named) = Named::by(variable, &self.known) {
                self.variable(variable, value, &named, Origin::Variable(variable.clone()));
            } else {
                self.errors.push(unknown(variable, variable, known.clone()));
            }
        }
    }

    fn secret_file(&mut self, variable: &str, path: &Path, named: &Named) {
        if !self.purpose.needs(&named.name()) {
            return;
        }
        match secret::read(path) {
            // A file that is set is meant to contain something.
            Ok(content) if content.trim().is_empty() => {
                self.errors.push(format!("{variable}: the file is blank"));
            }
            Ok(content) => {
                let origin = Origin::SecretFile { variable: variable.to_owned(), path: path.to_owned() };
                self.variable(variable, &content, named, origin);
                let source = SecretSource { value: content.into(), file: Some(path.to_owned()) };
                self.merged.files.insert(named.name(), source);
            }
            Err(error) => self.errors.push(format!("{variable}: the file cannot be read: {error}")),
        }
    }

    fn variable(&mut self, variable: &str, text: &str, named: &Named, origin: Origin) {
        let name = named.name();
        if !self.purpose.needs(&name) {
            return;
        }
        match typed(&named.default, text).filter(|value| has_type_of(&named.default, value, &name)) {
            // Otherwise secrets that are blank by mistake would turn authentication off.
            Some(Value::Array(items)) if items.is_empty() => self.errors.push(format!("{variable} is blank")),
            Some(value) => self.set(&named.path, value, origin),
            None => self.errors.push(format!("{variable} must be {}", type_name(&named.default, &name))),
        }
    }

    fn flags(&mut self, flags: &Flags) {
        for (key, flag, value) in [
            ("listen", "--listen", &flags.listen),
            ("database_url", "--database-url", &flags.database_url),
            ("public_url", "--public-url", &flags.public_url),
        ] {
            if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
                self.set(&[key.to_owned()], Value::String(value.clone()), Origin::Flag(flag));
            }
        }
        if flags.insecure {
            self.set(&["insecure".to_owned()], Value::Boolean(true), Origin::Flag("--insecure"));
        }
    }

    fn set(&mut self, path: &[String], value: Value, origin: Origin) {
        let Some((key, sections)) = path.split_last() else { return };
        let section =
            sections.iter().try_fold(&mut self.merged.table, |table, name| table.get_mut(name)?.as_table_mut());
        if let Some(section) = section {
            section.insert(key.clone(), value);
            self.merged.origins.insert(path.join("."), origin);
        }
    }
}

fn look_up<'a>(table: &'a Table, path: &[String]) -> Option<&'a Value> {
    let (key, sections) = path.split_last()?;
    sections.iter().try_fold(table, |table, name| table.get(name)?.as_table())?.get(key)
}

/// Returns whether a value has the type of the default. Lists contain texts; tokens may also be tables.
fn has_type_of(default: &Value, value: &Value, name: &str) -> bool {
    match value {
        Value::Array(items) => {
            default.is_array() && items.iter().all(|item| item.is_str() || (name == "api.tokens" && is_token(item)))
        }
        Value::Integer(number) => default.is_integer() && (0..=maximum(name)).contains(number),
        value => default.same_type(value),
    }
}

/// Returns whether a value is a table that describes an API token.
fn is_token(value: &Value) -> bool {
    let Some(table) = value.as_table() else { return false };
    let is_list_of_texts = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_str));
    table.len() == 3
        && table.get("name").is_some_and(Value::is_str)
        && table.get("scopes").is_some_and(is_list_of_texts)
        && table.get("secret").is_some_and(Value::is_str)
}

/// The maximum value of a numeric setting.
fn maximum(name: &str) -> i64 {
    if name.ends_with("_bytes") { i64::MAX } else { u32::MAX.into() }
}

/// Parses a text as the type of the default.
fn typed(default: &Value, text: &str) -> Option<Value> {
    match default {
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Array(_) => Some(Value::Array(items(text).map(|item| Value::String(item.to_owned())).collect())),
        _ => Some(Value::String(text.to_owned())),
    }
}

/// The items of a list that is given as one text. They are separated by commas or line ends.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n']).map(|item| secret::without_mark(item.trim()).trim()).filter(|item| !item.is_empty())
}

fn type_name(default: &Value, name: &str) -> String {
    match default {
        Value::Boolean(_) => "true or false".to_owned(),
        Value::Integer(_) => format!("a whole number from 0 to {}", maximum(name)),
        Value::Array(_) if name == "api.tokens" => {
            "a list of name:scopes:secret, or of tables with the members name, scopes and secret".to_owned()
        }
        Value::Array(_) => "a list of texts".to_owned(),
        Value::Table(_) => "a section".to_owned(),
        _ => "a text".to_owned(),
    }
}
