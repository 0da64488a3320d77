//! Holds the code to its architecture: who may import whom, where which crate may appear, how long a file may be, and
//! that the two databases have one schema.
//!
//! A new top-level module needs its line in [`LAYERS`]; a new crate that belongs to one place, its line in [`CRATES`];
//! a file that has to be longer than the others, its line in [`LONG`], with the reason.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/schema.rs"]
mod schema;
#[path = "architecture/secrets.rs"]
mod secrets;
#[path = "architecture/source.rs"]
mod source;

use rules::{Layer, Scope, See};
use source::{File, files};

/// Each top-level module, and what it may see of the others.
const LAYERS: &[Layer] = &[
    Layer { module: "domain", sees: See::These(&[]) },
    Layer { module: "clock", sees: See::These(&["domain"]) },
    Layer { module: "observe", sees: See::These(&["domain", "clock"]) },
    // A holder, which the settings fill and the use cases ask.
    Layer { module: "secret", sees: See::These(&[]) },
    // Likewise.
    Layer { module: "tls", sees: See::These(&["domain", "secret"]) },
    Layer { module: "webex", sees: See::These(LOW) },
    Layer { module: "storage", sees: See::These(LOW) },
    // Runs what the storage does to its end, whatever becomes of the caller. What it fails with is the storage's error.
    Layer { module: "detached", sees: See::These(&["storage"]) },
    // Of the storage they see the traits and the types that its root names, and do not know each other.
    Layer { module: "send", sees: See::These(MIDDLE) },
    Layer { module: "notify", sees: See::These(MIDDLE) },
    Layer { module: "query", sees: See::These(MIDDLE) },
    Layer { module: "audit", sees: See::These(MIDDLE) },
    // It plays the platform, so it must not know how we work inside.
    Layer { module: "simulator", sees: See::These(&["domain", "webex", "clock"]) },
    // It builds the settings of all that is below it.
    Layer {
        module: "config",
        sees: See::These(&[
            "domain",
            "clock",
            "observe",
            "secret",
            "tls",
            "webex",
            "storage",
            "send",
            "notify",
            "query",
            "audit",
            "simulator",
        ]),
    },
    // These put the rest together.
    Layer { module: "http", sees: See::Everything },
    Layer { module: "cli", sees: See::Everything },
    Layer { module: "lifecycle", sees: See::Everything },
];

const LOW: &[&str] = &["domain", "clock", "observe"];
const MIDDLE: &[&str] = &["domain", "clock", "observe", "secret", "webex", "storage", "detached"];

/// Crates that belong to one place.
const CRATES: &[Scope] = &[
    Scope { name: "sqlx", within: &["storage/"], in_tests: false },
    Scope { name: "actix", within: &["http/", "simulator/", "lifecycle.rs"], in_tests: true },
    Scope { name: "http", within: &["http/", "simulator/"], in_tests: true },
    Scope { name: "jsonschema", within: &["webex/rules/"], in_tests: true },
    Scope { name: "rustls", within: &["tls.rs", "cli/mod.rs", "send/platform.rs"], in_tests: true },
    Scope { name: "reqwest", within: &["send/platform.rs", "simulator/", "cli/"], in_tests: true },
    Scope { name: "clap", within: &["cli/", "main.rs"], in_tests: true },
    Scope { name: "comfy_table", within: &["cli/", "main.rs"], in_tests: true },
    Scope { name: "indicatif", within: &["cli/", "main.rs"], in_tests: true },
    Scope { name: "rlimit", within: &["cli/"], in_tests: true },
    Scope { name: "anyhow", within: &["cli/", "main.rs"], in_tests: true },
];

/// The longest file, and the longest average.
const LINES: usize = 400;
const AVERAGE: usize = 170;

/// Files that are longer, how long they may become, and why.
const LONG: &[(&str, usize, &str)] = &[];

fn read_all() -> Vec<File> {
    let files = files("src");
    assert!(files.len() > 60, "the sources were not found");
    files
}

fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn every_module_imports_only_what_lies_below_it() {
    assert_none(&read_all().iter().flat_map(|file| rules::layers(file, LAYERS)).collect::<Vec<_>>());
}

#[test]
fn every_crate_stays_where_it_belongs() {
    assert_none(&read_all().iter().flat_map(|file| rules::crates(file, CRATES)).collect::<Vec<_>>());
}

#[test]
fn only_the_clock_reads_the_clock() {
    assert_none(&read_all().iter().flat_map(rules::wall_clock).collect::<Vec<_>>());
}

#[test]
fn the_inner_layers_know_nothing_of_http() {
    assert_none(&read_all().iter().flat_map(rules::http_words).collect::<Vec<_>>());
}

/// A secret has no `==` of its own; this is about its text.
#[test]
fn secrets_are_compared_in_constant_time() {
    assert_none(&read_all().iter().flat_map(secrets::compared).collect::<Vec<_>>());
}

#[test]
fn every_file_says_what_it_is() {
    assert_none(&read_all().iter().filter_map(rules::documented).collect::<Vec<_>>());
}

#[test]
fn files_are_short() {
    let files = read_all();
    let lines = |file: &File| file.text.lines().count();
    assert_none(&files.iter().filter_map(|file| rules::length(file, LINES, LONG)).collect::<Vec<_>>());
    let average = files.iter().map(lines).sum::<usize>() / files.len();
    assert!(average < AVERAGE, "files of src/ have {average} lines on average; below {AVERAGE} is the rule");
    for (name, ..) in LONG {
        let needed = files.iter().any(|file| file.name == *name && lines(file) > LINES);
        assert!(
            needed,
            "{name} is not longer than {LINES} lines any more: take it off the list in tests/architecture.rs"
        );
    }
    for folder in ["tests", "xtask/src"] {
        assert_none(
            &source::files(folder).iter().filter_map(|file| rules::length(file, LINES, &[])).collect::<Vec<_>>(),
        );
    }
}

#[test]
fn every_module_has_its_layer() {
    let known = |name: &str| LAYERS.iter().any(|layer| layer.module == name) || ["lib", "main"].contains(&name);
    for file in read_all() {
        let top = file.module.first().map_or(file.name.trim_end_matches(".rs"), String::as_str);
        assert!(known(top), "src/{}: the module {top} has no layer in tests/architecture.rs", file.name);
    }
}

/// Each package takes the lints of the workspace, which forbid `unsafe` and find `unwrap` in all of its targets.
#[test]
fn no_crate_of_ours_is_unsafe_or_unwraps() {
    let read = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for root in ["src/lib.rs", "src/main.rs", "build.rs", "examples/send.rs", "xtask/src/main.rs"] {
        assert!(read(root).contains("#![forbid(unsafe_code)]"), "{root}");
    }
    let workspace = read("Cargo.toml");
    for lint in ["unsafe_code = \"forbid\"", "unwrap_used", "expect_used", "panic =", "allow_attributes_without_reason"]
    {
        assert!(workspace.contains(lint), "{lint}");
    }
    for package in ["Cargo.toml", "xtask/Cargo.toml"] {
        assert!(read(package).contains("[lints]\nworkspace = true"), "{package}");
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
    let [sqlite, postgres] = schema::DATABASES.map(schema::tables);
    assert!(sqlite.len() > 5, "the tables were not found");
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
    for (table, columns) in &sqlite {
        assert_eq!(columns, &postgres[table], "the columns of {table}: SQLite left, Postgres right");
    }
}

/// So that the schema can be distributed by that column.
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

/// Else the order of texts would depend on the locale of the server.
#[test]
fn texts_compare_by_their_bytes_on_postgres() {
    for (name, sql) in schema::migrations("postgres") {
        for line in sql.lines().map(|line| line.split("--").next().unwrap()) {
            let text = line.split_whitespace().any(|word| word == "TEXT");
            assert!(!text || line.contains("TEXT COLLATE \"C\""), "{name}: a text without COLLATE \"C\": {line}");
        }
    }
}
