//! The rules. Each answers what breaks it: the file, what stands there, and the rule.

use crate::source::{File, Mention};

/// A top-level module, and what it may see of the others.
pub(crate) struct Layer {
    pub(crate) module: &'static str,
    pub(crate) sees: See,
}

pub(crate) enum See {
    Everything,
    These(&'static [&'static str]),
}

/// A crate that belongs to some places: folders with a slash at their end, or files.
pub(crate) struct Scope {
    /// It also stands for crates whose name goes on with an underscore: `actix` for `actix_web`.
    pub(crate) name: &'static str,
    pub(crate) within: &'static [&'static str],
    /// Whether tests may use it anywhere.
    pub(crate) in_tests: bool,
}

fn breach(file: &File, mention: &Mention, rule: &str) -> String {
    format!("src/{} mentions {}: {rule}", file.name, mention.text())
}

/// Who may import whom.
pub(crate) fn layers(file: &File, layers: &[Layer]) -> Vec<String> {
    let Some(module) = file.module.first() else { return Vec::new() };
    let Some(Layer { sees: See::These(sees), .. }) = layers.iter().find(|layer| layer.module == module) else {
        return Vec::new();
    };
    let judge = |mention: &Mention| {
        let [target, rest @ ..] = mention.ours()? else { return None };
        if target == module {
            return None;
        }
        if target == "*" {
            return Some(breach(file, mention, "the whole crate is no import; name what is needed"));
        }
        if !layers.iter().any(|layer| layer.module == target) {
            return Some(breach(file, mention, &format!("{target} has no layer in tests/architecture.rs")));
        }
        if !sees.contains(&target.as_str()) {
            let allowed =
                if sees.is_empty() { "nothing of ours".to_owned() } else { format!("only {}", sees.join(", ")) };
            return Some(breach(file, mention, &format!("{module} may import {allowed}")));
        }
        // Modules and functions are in lower case, traits and types are not.
        let is_type = rest.first().is_some_and(|name| name.starts_with(char::is_uppercase));
        let inside = target == "storage" && module != "config" && !is_type;
        inside.then(|| {
            breach(file, mention, &format!("of storage {module} may import only the traits and types of its root"))
        })
    };
    file.mentions().iter().filter_map(judge).collect()
}

/// Where which crate may appear.
pub(crate) fn crates(file: &File, scopes: &[Scope]) -> Vec<String> {
    let judge = |mention: &Mention| {
        let name = mention.path.first()?;
        let is =
            |scope: &&Scope| name.strip_prefix(scope.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
        let scope = scopes.iter().find(is)?;
        let is_in = |place: &&str| file.name == *place || (place.ends_with('/') && file.name.starts_with(place));
        let within = scope.within.iter().any(is_in);
        let allowed = within || (scope.in_tests && mention.is_test);
        (!allowed).then(|| breach(file, mention, &format!("{name} belongs to {}", scope.within.join(", "))))
    };
    file.mentions().iter().filter_map(judge).collect()
}

/// The wall clock is read in one place.
pub(crate) fn wall_clock(file: &File) -> Vec<String> {
    let reads = |mention: &&Mention| {
        let end: Vec<_> = mention.path.iter().rev().take(2).map(String::as_str).collect();
        matches!(end.as_slice(), ["now", "Utc" | "Local" | "SystemTime"])
    };
    if file.name == "clock.rs" {
        return Vec::new();
    }
    let mentions = file.mentions();
    mentions
        .iter()
        .filter(reads)
        .map(|mention| breach(file, mention, "the wall clock is read in clock.rs alone"))
        .collect()
}

/// What has no place below the use cases.
pub(crate) fn http_words(file: &File) -> Vec<String> {
    let inner = ["domain", "storage", "query"];
    if !file.module.first().is_some_and(|module| inner.contains(&module.as_str())) {
        return Vec::new();
    }
    let words = ["StatusCode", "HttpResponse", "HttpRequest", "HeaderMap", "HeaderValue"];
    let mentions = file.mentions();
    let found = mentions.iter().filter(|mention| mention.path.iter().any(|part| words.contains(&part.as_str())));
    found.map(|mention| breach(file, mention, "the inner layers know nothing of HTTP")).collect()
}

/// A file begins with what it is for.
pub(crate) fn documented(file: &File) -> Option<String> {
    let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let says = first.strip_prefix("//!").is_some_and(|rest| !rest.trim().is_empty());
    (!says).then(|| format!("src/{} does not begin with a //! line that says what it holds", file.name))
}

/// A file can be read in one go.
pub(crate) fn length(file: &File, most: usize, exceptions: &[(&str, usize, &str)]) -> Option<String> {
    let exception = exceptions.iter().find(|(name, ..)| *name == file.name);
    let most = exception.map_or(most, |(_, most, _)| *most);
    let lines = file.text.lines().count();
    (lines > most).then(|| format!("{} has {lines} lines; {most} is the most. Split it by what it does", file.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CRATES, LAYERS};

    fn file(name: &str, text: &str) -> File {
        File::of(name, text.to_owned())
    }

    /// What `text` in the file `name` breaks, without the rule's words.
    fn broken(name: &str, text: &str) -> Vec<String> {
        let file = file(name, text);
        let all = [layers(&file, LAYERS), crates(&file, CRATES), wall_clock(&file), http_words(&file)].concat();
        all.iter()
            .map(|breach| breach.split(": ").next().unwrap().split(" mentions ").nth(1).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn an_import_from_above_is_found_however_it_is_written() {
        for text in [
            "use crate::webex::Posted;",
            "use crate::{domain::Status, webex::Posted};",
            "use crate::webex::{self as platform, Posted as P};",
            "fn f() { crate::webex::read() }",
            "fn f() -> crate::webex::Posted { todo!() }",
            "struct S { field: Vec<Option<crate::webex::Posted>> }",
            "fn f() { vec![crate::webex::read()]; }",
            "fn f() { let x = format!(\"{} {}\", 1, crate::webex::read()); }",
            "macro_rules! m { ($x:expr) => { crate::webex::read($x) }; }",
            "use super::super::webex::Posted;",
            "mod inner { use super::super::super::webex::Posted; }",
            "#[cfg(test)] mod tests { use crate::webex::Posted; }",
            "pub use receiptd::webex::Posted;",
            "impl crate::webex::Reads for S {}",
        ] {
            assert!(!broken("domain/status.rs", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_allowed_is_not_found() {
        for (name, text) in [
            (
                "domain/status.rs",
                "use super::Channel; use crate::domain::Event; use std::fmt; mod tests { use super::*; }",
            ),
            ("webex/posted.rs", "use crate::{clock::Clock, domain::Notification}; use super::fields;"),
            ("send/sender.rs", "use crate::storage::{Outbox, StorageError}; use crate::webex::request::Request;"),
            ("send/platform.rs", "use reqwest::Client; fn f() -> reqwest::Error { g() }"),
            ("config/settings.rs", "use crate::storage::OpenOptions; use crate::simulator::Settings;"),
            ("http/routes.rs", "use actix_web::web; use crate::{query::Query, send::Sender, storage};"),
            ("cli/mod.rs", "use anyhow::Result; use crate::http; fn f() { clap::command!(); }"),
            (
                "storage/portable/mod.rs",
                "use super::{Backend, Connection}; fn f() { sqlx::query(\"crate::webex::x\"); }",
            ),
            ("clock.rs", "use chrono::Utc; fn wall() { Utc::now() }"),
            ("query/view.rs", "fn f() { let text = format!(\"see sqlx::Error and crate::http::x\"); }"),
            ("notify/intake.rs", "mod http { } fn f() { http::x() }"),
            ("lifecycle.rs", "use crate::http; fn f() { http::serve() }"),
            ("main.rs", "use receiptd::cli; fn main() -> anyhow::Result<()> { cli::run() }"),
            ("webex/x.rs", "#[cfg(test)] mod tests { use reqwest::Client; }"),
        ] {
            assert_eq!(broken(name, text), Vec::<String>::new(), "{name}: {text}");
        }
    }

    #[test]
    fn each_layer_is_held() {
        for (name, text, found) in [
            ("webex/x.rs", "use crate::storage::Journal;", "crate::storage::Journal"),
            ("storage/x.rs", "use crate::webex::Posted;", "crate::webex::Posted"),
            ("storage/portable/x.rs", "use super::super::super::super::webex::Posted;", "crate::webex::Posted"),
            ("send/x.rs", "use crate::query::Query;", "crate::query::Query"),
            ("audit/x.rs", "use crate::send::Sender;", "crate::send::Sender"),
            ("notify/x.rs", "use crate::storage::rows::MessageRow;", "crate::storage::rows::MessageRow"),
            ("query/x.rs", "use crate::storage::*;", "crate::storage::*"),
            ("query/x.rs", "fn f() { crate::storage::open(url) }", "crate::storage::open"),
            ("query/x.rs", "use crate::http::Problem;", "crate::http::Problem"),
            ("simulator/x.rs", "use crate::observe::Metrics;", "crate::observe::Metrics"),
            ("config/x.rs", "use crate::cli::Command;", "crate::cli::Command"),
            ("domain/x.rs", "use crate::*;", "crate::*"),
            ("send/x.rs", "use crate::unheard::Of;", "crate::unheard::Of"),
        ] {
            assert_eq!(broken(name, text), [found], "{name}: {text}");
        }
    }

    #[test]
    fn each_crate_is_held() {
        for (name, text, found) in [
            ("query/x.rs", "use sqlx::PgPool;", "sqlx::PgPool"),
            ("query/x.rs", "fn f() { sqlx::query!(\"SELECT 1\") }", "sqlx::query"),
            ("query/x.rs", "macro_rules! m { () => { ::sqlx::query!(1) }; }", "sqlx::query"),
            ("query/x.rs", "#[cfg(test)] mod tests { use sqlx::PgPool; }", "sqlx::PgPool"),
            ("notify/x.rs", "use actix_web::HttpRequest;", "actix_web::HttpRequest"),
            ("send/sender.rs", "fn f(e: reqwest::Error) {}", "reqwest::Error"),
            ("config/x.rs", "#[derive(clap::Args)] struct Flags;", "clap::Args"),
            ("http/x.rs", "use anyhow::Context;", "anyhow::Context"),
            ("http/x.rs", "use indicatif as bar;", "indicatif"),
            ("lifecycle.rs", "use comfy_table::Table;", "comfy_table::Table"),
            ("send/x.rs", "fn f() { chrono::Utc::now(); }", "chrono::Utc::now"),
            ("send/x.rs", "fn f() { time(std::time::SystemTime::now) }", "std::time::SystemTime::now"),
            ("send/x.rs", "fn f() { assert_eq!(Utc::now(), x) }", "Utc::now"),
            ("send/x.rs", "use chrono::Utc as Zone; fn f() { Zone::now() }", "chrono::Utc::now"),
            ("storage/error.rs", "fn status() -> my::StatusCode { my::X }", "my::StatusCode"),
        ] {
            assert_eq!(broken(name, text), [found], "{name}: {text}");
        }
    }

    #[test]
    fn another_name_hides_nothing() {
        let found = broken("query/x.rs", "use crate::storage as s; fn f() { s::open(url) }");
        assert_eq!(found, ["crate::storage", "crate::storage::open"]);
        let found = broken("query/x.rs", "mod inner { use super::super::send as s; } fn f() { inner::x() }");
        assert_eq!(found, Vec::<String>::new(), "that is a module within query");
        let found = broken("query/x.rs", "use super::super::send as s; fn f() { s::x() }");
        assert_eq!(found, ["crate::send", "crate::send::x"]);
    }

    #[test]
    fn a_message_names_file_import_and_rule() {
        let found = layers(&file("domain/x.rs", "use crate::webex::Posted;"), LAYERS);
        assert_eq!(found, ["src/domain/x.rs mentions crate::webex::Posted: domain may import nothing of ours"]);
        let found = crates(&file("query/x.rs", "use sqlx::Row;"), CRATES);
        assert_eq!(found, ["src/query/x.rs mentions sqlx::Row: sqlx belongs to storage/"]);
    }

    #[test]
    fn long_and_silent_files_are_found() {
        let long = file("query/x.rs", &"x\n".repeat(301));
        assert!(length(&long, 300, &[]).unwrap().contains("query/x.rs has 301 lines"));
        assert_eq!(length(&long, 300, &[("query/x.rs", 310, "reason")]), None);
        assert!(length(&long, 300, &[("query/x.rs", 300, "reason")]).is_some());
        assert_eq!(length(&file("x.rs", &"x\n".repeat(300)), 300, &[]), None);
        for silent in ["", "use std::fmt;", "// not a doc\n", "//!\n", "/// of something else"] {
            assert!(documented(&file("x.rs", silent)).is_some(), "{silent:?}");
        }
        assert_eq!(documented(&file("x.rs", "\n//! Says what it is.\n")), None);
    }
}
