//! What the numbers depend on, read from the machine and the databases.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};

use super::load;

/// Lines for the head of a table.
pub(crate) async fn describe(folder: &Path, postgres: &str) -> Result<String> {
    let cores = thread::available_parallelism()?;
    let sync = median_sync(folder)?;
    Ok(format!(
        "{cores} cores, shared by the servers, the databases and the load generator ({} thread(s)).\n\
         SQLite: WAL with synchronous=FULL as receiptd opens it, on {}; there one 4 KiB append and fdatasync takes {:.2} ms.\n\
         {}",
        load::threads(),
        file_system(folder),
        sync.as_secs_f64() * 1e3,
        describe_postgres(postgres).await?
    ))
}

async fn describe_postgres(url: &str) -> Result<String> {
    let mut connection = PgConnection::connect(url).await?;
    let mut values = Vec::new();
    for name in ["server_version", "fsync", "synchronous_commit", "wal_sync_method", "data_directory"] {
        let value: String =
            sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&mut connection).await?;
        values.push(value);
    }
    connection.close().await?;
    let [version, fsync, commit, method, folder] = values.try_into().ok().context("five settings were asked for")?;
    let file_system = file_system(Path::new(&folder));
    Ok(format!(
        "Postgres {version}: fsync={fsync}, synchronous_commit={commit}, wal_sync_method={method}, on {file_system}."
    ))
}

/// The kind of file system, with a warning where a sync means nothing.
fn file_system(folder: &Path) -> String {
    let output = Command::new("df").arg("--output=fstype").arg(folder).output();
    let kind = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let kind = kind.lines().nth(1).unwrap_or_default().to_owned();
    match &*kind {
        "" => "an unknown file system".to_owned(),
        "tmpfs" | "ramfs" => format!("{kind} (in memory: not durable, the numbers say little)"),
        _ => kind,
    }
}

/// How long this disk takes to make a small write durable: what a commit costs at least.
fn median_sync(folder: &Path) -> Result<Duration> {
    let mut file = File::create(folder.join("sync-probe"))?;
    let mut took = Vec::new();
    for _ in 0..101 {
        let start = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        took.push(start.elapsed());
    }
    took.sort_unstable();
    Ok(took[took.len() / 2])
}
