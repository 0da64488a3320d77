//! `cargo xtask prepare`: writes `sqlx-data.json`, the committed cache of checked queries.
//!
//! sqlx's macros check a query against the database that `DATABASE_URL` names, and can save what they learned as one
//! file a query. One compilation knows one database, so the library is compiled once with each: `RECEIPTD_PREPARE`
//! tells `build.rs` which one, and that only its module counts. The files of both become one.

mod cache;

use std::io::IsTerminal;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use cache::Cache;
use serde_json::Value;
use temporary_postgres::Server;

use crate::cargo;
use crate::database::{Scratch, block_on, migrated_sqlite};

const FILE: &str = "sqlx-data.json";

/// Check every query against both databases and write sqlx-data.json, without which nothing builds
///
/// Each database is a fresh one with this tree's migrations; Postgres is started for the occasion. To be run after
/// every change of a query or a migration, and its result committed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail if sqlx-data.json is not what would be written, and name the queries
    #[arg(long)]
    pub(crate) check: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let fresh = block_on(collect())?;
    let path = cargo::root().join(FILE);
    if args.check {
        return check(&fresh, &path);
    }
    fresh.write(&path)?;
    println!("{FILE}: {} queries", fresh.len());
    Ok(())
}

fn check(fresh: &Cache, path: &Path) -> Result<()> {
    let committed = Cache::read(path).with_context(|| format!("{FILE} cannot be read: run `cargo xtask prepare`"))?;
    let differences = fresh.differences(&committed);
    ensure!(
        differences.is_empty(),
        "{FILE} is not up to date:\n  {}\nrun `cargo xtask prepare` and commit the result",
        differences.join("\n  ")
    );
    // What nobody wrote by hand has one form only, so that changes stay readable.
    ensure!(
        std::fs::read_to_string(path)? == fresh.to_text()?,
        "{FILE} is right but not laid out as written: run `cargo xtask prepare`"
    );
    println!("{FILE}: {} queries, all up to date", fresh.len());
    Ok(())
}

async fn collect() -> Result<Cache> {
    let work = tempfile::Builder::new().prefix("receiptd-prepare-").tempdir()?;
    let mut cache = Cache::default();

    let url = migrated_sqlite(&work.path().join("prepare.db")).await?;
    compile("sqlite", &url, &work.path().join("sqlite"), &mut cache)?;

    let scratch = Scratch::create(Server::shared()?, "receiptd_prepare").await?;
    let compiled = match scratch.migrate().await {
        Ok(()) => compile("postgres", &scratch.url(), &work.path().join("postgres"), &mut cache),
        Err(error) => Err(error),
    };
    scratch.remove().await?;
    compiled?;
    Ok(cache)
}

/// Compiles the library against one database and takes what the macros saved.
fn compile(backend: &str, url: &str, folder: &Path, cache: &mut Cache) -> Result<()> {
    println!("compiling the queries against {backend}");
    std::fs::create_dir(folder)?;
    let format = if std::io::stderr().is_terminal() { "json-diagnostic-rendered-ansi" } else { "json" };
    let output = cargo::cargo()
        .args(["check", "--package", "receiptd-storage", "--lib", "--features", "prepare", "--message-format", format])
        // A check generates no code, so this means nothing, but for giving these builds a place of their own beside the
        // ordinary ones, which would otherwise start anew after each.
        .args(["--config", "profile.dev.package.receiptd-storage.codegen-units=1"])
        .env("RECEIPTD_PREPARE", backend)
        .env("DATABASE_URL", url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", folder)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("the library does not compile against {backend}:\n\n{}", errors(&output.stdout));
    }
    let found = cache.take(folder)?;
    ensure!(found > 0, "no query was checked against {backend}: is the module of this database still compiled in?");
    println!("{found} queries");
    Ok(())
}

/// What the compiler said, less the warnings: half of the code has no caller in such a build.
fn errors(messages: &[u8]) -> String {
    let messages = String::from_utf8_lossy(messages);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let errors = messages.filter(|message| message["message"]["level"] == "error");
    errors.filter_map(|error| error["message"]["rendered"].as_str().map(ToOwned::to_owned)).collect()
}
