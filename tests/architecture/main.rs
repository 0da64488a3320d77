//! Rules of the architecture that the compiler cannot check. The manifests of `crates/` decide which package can use
//! which. This test checks the modules of `src/`, the places of some crates, the length of files, and that both
//! databases have one schema.
//!
//! A new module of `src/` needs its line in [`LAYERS`]. A crate that may be used only in one place needs its line in
//! [`CRATES`].

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod circles;
mod schema;
mod secrets;
mod source;

use std::{collections::BTreeSet, fs};

use circles::Package;
use source::{File, files};

/// Each module of `src/`, and the other modules that it may import. `http`, `cli` and `lifecycle` may import all.
const LAYERS: &[(&str, &[&str])] = &[
    ("clock", &["domain"]),
    ("observe", &["domain", "clock"]),
    ("secret", &[]),
    ("tls", &["domain", "secret"]),
    ("detached", &["storage"]),
    ("handover", &["domain"]),
    // The use cases do not know each other, except that maintenance writes to the audit log, and that a restore projects.
    ("send", USE_CASE),
    ("notify", USE_CASE),
    ("projection", USE_CASE),
    ("query", USE_CASE),
    ("audit", USE_CASE),
    ("maintenance", MAINTENANCE),
    (
        "config",
        &[
            "domain",
            "webex",
            "storage",
            "simulator",
            "clock",
            "observe",
            "secret",
            "tls",
            "send",
            "notify",
            "query",
            "audit",
            "maintenance",
        ],
    ),
];
/// The same for the folders of `src/http/`, whose server puts the rest together.
const HTTP: &[(&str, &[&str])] = &[
    ("state", &[]),
    ("host", &[]),
    ("problem", &[]),
    ("assets", &["problem"]),
    ("transport", &["state"]),
    ("middleware", &["state", "host", "problem", "transport"]),
    ("extract", &["state", "host", "problem", "transport"]),
    ("routes", &["state", "problem", "extract", "assets"]),
    ("pages", &["state", "host", "problem", "assets", "extract", "routes"]),
    ("openapi", &["state", "problem", "assets", "routes"]),
    ("server", &["state", "problem", "transport", "middleware", "extract", "routes", "pages", "openapi"]),
];
/// The simulator is not among them: it plays the platform.
const USE_CASE: &[&str] = &["domain", "webex", "storage", "clock", "observe", "secret", "detached", "handover"];
/// What changes or gives out data in bulk is recorded in the audit log.
const MAINTENANCE: &[&str] =
    &["domain", "webex", "storage", "clock", "observe", "secret", "detached", "handover", "audit", "projection"];
const COMPOSE: &[&str] = &["http", "cli", "lifecycle", "main", "lib"];

/// Crates that only some folders or files of `src/` may use. Tests may use them anywhere.
const CRATES: &[(&str, &[&str])] = &[
    ("actix_web", &["http/", "lifecycle.rs"]),
    ("actix_http", &["http/"]),
    ("rustls", &["tls/", "cli/mod.rs", "send/platform.rs"]),
    ("reqwest", &["send/platform.rs", "cli/"]),
    ("ring", &["audit/signing.rs", "query/sealed_filter.rs", "tls/"]),
    ("clap", &["cli/", "main.rs"]),
    ("comfy_table", &["cli/", "main.rs"]),
    ("indicatif", &["cli/", "main.rs"]),
    ("rlimit", &["cli/", "http/transport/"]),
    ("anyhow", &["cli/", "main.rs"]),
];

/// Each package of `crates/` that is a part of the program, and the others that it may depend on.
const MANIFESTS: &[(&str, &[&str])] =
    &[("domain", &[]), ("webex", &["domain"]), ("storage", &["domain"]), ("simulator", &["domain", "webex"])];

/// All packages of the program.
const PROGRAM: &[&str] =
    &["src", "crates/domain/src", "crates/webex/src", "crates/storage/src", "crates/simulator/src"];
/// The longest file.
const LINES: usize = 400;

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn assert_none(breaches: impl IntoIterator<Item = String>) {
    let breaches: Vec<_> = breaches.into_iter().collect();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

/// The files of `src/` that are not test code.
fn modules() -> Vec<File> {
    let files: Vec<_> = files(&["src"]).into_iter().filter(|file| !file.is_test()).collect();
    assert!(files.len() > 60, "the sources were not found");
    files
}

/// Imports of a file that its layer must not use.
fn breaches(file: &File) -> Vec<String> {
    let module = file.module()[0];
    if COMPOSE.contains(&module) {
        return Vec::new();
    }
    let Some((_, sees)) = LAYERS.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{}: the module {module} has no line in LAYERS of tests/architecture", file.name)];
    };
    if file.leaves_by_super(1) {
        return vec![format!("{} leaves its module with `super`; use `crate::`", file.name)];
    }
    let unseen = file.mentions("crate::").into_iter().filter(|name| name != module && !sees.contains(&name.as_str()));
    unseen
        .map(|name| format!("{} mentions crate::{name}: {module} may import only {}", file.name, sees.join(", ")))
        .collect()
}

/// The same within `src/http/`.
fn http_breaches(file: &File) -> Vec<String> {
    let ["http", folder, ..] = file.module()[..] else { return Vec::new() };
    let Some((_, sees)) = HTTP.iter().find(|(name, _)| *name == folder) else {
        return vec![format!("{}: {folder} has no line in HTTP of tests/architecture", file.name)];
    };
    if file.leaves_by_super(2) {
        return vec![format!("{} leaves its folder by `super`; write `crate::http::`", file.name)];
    }
    // actix has a module of that name, too.
    let ours = file.mentions("http::").into_iter().filter(|name| HTTP.iter().any(|(other, _)| other == name));
    ours.filter(|name| name != folder && !sees.contains(&name.as_str()))
        .map(|name| format!("{} mentions http::{name}: {folder} may import only {}", file.name, sees.join(", ")))
        .collect()
}

#[test]
fn every_module_imports_only_what_lies_below_it() {
    assert_none(modules().iter().flat_map(breaches));
    assert_none(modules().iter().flat_map(http_breaches));
}

#[test]
fn an_import_from_above_is_found() {
    let of = |name: &str, text: &str| breaches(&File { name: name.to_owned(), text: text.to_owned() }).len();
    assert_eq!(of("src/query/x.rs", "use crate::send::Sender;"), 1);
    assert_eq!(of("src/maintenance/import/x.rs", "use crate::{domain::Status, http::Problem};"), 1);
    assert_eq!(of("src/send/x.rs", "use super::super::query::Query;"), 1);
    assert_eq!(of("src/unheard/of.rs", ""), 1);
    assert_eq!(of("src/query/x.rs", "use crate::{domain::Status, query::Feed, storage::Journal};"), 0);
    assert_eq!(of("src/http/x.rs", "use crate::send::Sender;"), 0);
    let of = |name: &str, text: &str| http_breaches(&File { name: name.to_owned(), text: text.to_owned() }).len();
    assert_eq!(of("src/http/extract/x.rs", "use crate::{domain::Status, http::{problem::Code, routes}};"), 1);
    assert_eq!(of("src/http/routes/x/y.rs", "use super::super::super::server;"), 1);
    assert_eq!(of("src/http/state.rs", "use super::problem::Problem;"), 1);
    assert_eq!(of("src/http/unheard_of.rs", ""), 1);
    assert_eq!(of("src/http/routes/x/y.rs", "use super::super::stats; use crate::http::{extract, state::App};"), 0);
    assert_eq!(of("src/http/mod.rs", "pub use server::serve;"), 0);
}

/// Inside these folders too, imports go one way. `mod.rs`, which composes the rest, may import all of it.
const WITHOUT_CIRCLES: &[&str] = &["config", "notify", "projection", "query", "observe", "tls"];

#[test]
fn files_do_not_import_each_other_in_circles() {
    for folder in WITHOUT_CIRCLES {
        let inside: Vec<_> = modules().into_iter().filter(|file| file.module().starts_with(&[folder])).collect();
        let mut open: Vec<_> = inside.iter().map(|file| (file.name.clone(), file.unit(), file.siblings())).collect();
        assert!(!open.is_empty(), "src/{folder} was not found");
        // Take away the files that import none of the others, again and again; what stays is in a circle, or above one.
        loop {
            let units: BTreeSet<_> = open.iter().map(|(_, unit, _)| unit.clone()).collect();
            let before = open.len();
            open.retain(|(_, unit, siblings)| siblings.iter().any(|name| name != unit && units.contains(name)));
            if open.len() == before {
                break;
            }
        }
        assert_none(open.iter().map(|(name, _, siblings)| format!("{name} imports {}", siblings.join(", "))));
    }
}

/// In this package no file at all imports in a circle, not even a `mod.rs`.
#[test]
fn files_of_the_store_do_not_import_each_other_in_circles() {
    let files = files(&["crates/storage/src"]);
    assert!(files.len() > 50, "the sources were not found");
    assert_none(Package::of("crates/storage/src/", &files).circles());
}

/// What only one database has: its files and connections, and how it passes rows to a statement.
const OF_ONE_DATABASE: &[&str] = &[
    "mod.rs",
    "sqlite/files/",
    "sqlite/backup/",
    "sqlite/log.rs",
    "sqlite/opening.rs",
    "sqlite/json.rs",
    "sqlite/writer.rs",
    "postgres/opening/",
    "postgres/unanswered.rs",
    "postgres/arrays.rs",
];

/// A statement whose text differs is found in the file of the same name.
#[test]
fn each_database_has_its_statements_in_the_files_that_need_them() {
    let shared = names_below("crates/storage/src/sql");
    let [sqlite, postgres] = ["sqlite", "postgres"].map(|database| {
        let is_of_one = |name: &String| {
            OF_ONE_DATABASE.iter().any(|own| format!("{database}/{name}").starts_with(own) || name == own)
        };
        let names: Vec<_> = names_below(&format!("crates/storage/src/{database}"))
            .into_iter()
            .filter(|name| !is_of_one(name))
            .collect();
        assert_none(
            names
                .iter()
                .filter(|name| !shared.contains(name))
                .map(|name| format!("{database}/{name} has no sql/{name}")),
        );
        names
    });
    assert!(sqlite.len() > 5, "the statements were not found");
    assert_eq!(sqlite, postgres, "the files of sqlite/ and postgres/");
}

/// The paths of the source files in a folder.
fn names_below(folder: &str) -> Vec<String> {
    let names = files(&[folder]).into_iter().map(|file| file.name);
    names.map(|name| name.strip_prefix(&format!("{folder}/")).unwrap().to_owned()).collect()
}

#[test]
fn packages_depend_only_on_what_lies_below_them() {
    for (package, below) in MANIFESTS {
        let manifest = read(&format!("crates/{package}/Cargo.toml"));
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        let ours = dependencies
            .lines()
            .filter_map(|line| line.strip_prefix("receiptd"))
            .map(|line| line.trim_start_matches('-'));
        assert_none(
            ours.filter(|line| !below.iter().any(|name| line.starts_with(name)))
                .map(|line| format!("{package}: {line}")),
        );
    }
}

#[test]
fn every_crate_stays_where_it_belongs() {
    let is_in = |file: &File, place: &&str| file.name.strip_prefix("src/").unwrap().starts_with(place);
    let strays = |file: &File| -> Vec<String> {
        let strays = CRATES
            .iter()
            .filter(|(name, places)| file.uses_crate(name) && !places.iter().any(|place| is_in(file, place)));
        strays
            .map(|(name, places)| format!("{} uses {name}, which only {} may use", file.name, places.join(", ")))
            .collect()
    };
    assert_none(modules().iter().flat_map(strays));
}

/// Secrets have no `==` of their own. This is about their texts.
#[test]
fn secrets_are_compared_in_constant_time() {
    assert_none(files(PROGRAM).iter().flat_map(secrets::compared));
}

#[test]
fn every_file_begins_with_a_module_comment() {
    let silent = |file: &File| {
        let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let says = first.strip_prefix("//!").is_some_and(|rest| !rest.trim().is_empty());
        (!says).then(|| format!("{} does not begin with a //! line that describes it", file.name))
    };
    assert_none(files(PROGRAM).iter().filter_map(silent));
}

#[test]
fn files_are_short() {
    let lines = |file: &File| file.text.lines().count();
    let all = files(&["src", "crates", "tests", "xtask/src"]);
    let long = all.iter().filter(|file| lines(file) > LINES);
    assert_none(
        long.map(|file| {
            format!("{} has {} lines; the maximum is {LINES}. Split it by purpose", file.name, lines(file))
        }),
    );
}

/// A module with files of its own is `x/mod.rs`, everywhere, and never `x.rs` beside `x/`.
#[test]
fn modules_have_one_style() {
    let all = files(&["src", "crates", "tests", "xtask/src"]);
    let is_beside_its_folder = |file: &&File| {
        let folder = format!("{}/", file.name.trim_end_matches(".rs"));
        all.iter().any(|other| other.name.starts_with(&folder))
    };
    let moved =
        |file: &File| format!("{0}.rs lies beside {0}/; move it to {0}/mod.rs", file.name.trim_end_matches(".rs"));
    assert_none(all.iter().filter(is_beside_its_folder).map(moved));
}

/// Each package uses the lints of the workspace, which forbid `unsafe` and find `unwrap` in all of its targets.
#[test]
fn every_package_has_the_lints_of_the_workspace() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path().join("Cargo.toml"));
    let packages: Vec<_> = packages.chain(["Cargo.toml", "xtask/Cargo.toml"].map(|path| root.join(path))).collect();
    assert!(packages.len() > 6, "the packages were not found");
    for package in packages {
        let manifest = fs::read_to_string(&package).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{}", package.display());
    }
    let workspace = read("Cargo.toml");
    for lint in ["unsafe_code = \"forbid\"", "unwrap_used", "expect_used", "panic =", "allow_attributes_without_reason"]
    {
        assert!(workspace.contains(lint), "{lint}");
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = schema::DATABASES.map(|database| schema::migrations(database).into_keys().collect::<Vec<_>>());
    assert!(!names[0].is_empty());
    assert_eq!(names[0], names[1], "the files of migrations/sqlite and migrations/postgres");
    for (at, name) in names[0].iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", at + 1)), "{name} is out of the sequence");
    }
}

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    let [mut sqlite, postgres] = schema::DATABASES.map(schema::tables);
    assert!(sqlite.len() > 5, "the tables were not found");
    // It takes the place of what Postgres passes to triggers of statements.
    assert!(sqlite.remove("message_changes").is_some());
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
    for (table, columns) in &sqlite {
        assert_eq!(columns, &postgres[table], "the columns of {table}: SQLite left, Postgres right");
    }
}

/// So the tables can be distributed by that column.
#[test]
fn messages_and_notifications_are_unique_by_correlation_id() {
    let tables = schema::tables("postgres");
    for table in ["messages", "notifications"] {
        let unique = tables[table].iter().filter(|line| line.contains("PRIMARY KEY") || line.contains("UNIQUE"));
        let unique: Vec<_> = unique.collect();
        assert!(!unique.is_empty(), "{table} has no key");
        for line in unique {
            assert!(line.contains("correlation_id"), "a key of {table} does not contain correlation_id: {line}");
        }
    }
}

/// Otherwise the order of texts would depend on the locale of the server.
#[test]
fn texts_compare_by_their_bytes_on_postgres() {
    for (name, sql) in schema::migrations("postgres") {
        for line in sql.lines().map(|line| line.split("--").next().unwrap()) {
            let text = line.split_whitespace().any(|word| word == "TEXT");
            assert!(!text || line.contains("TEXT COLLATE \"C\""), "{name}: a text without COLLATE \"C\": {line}");
        }
    }
}
