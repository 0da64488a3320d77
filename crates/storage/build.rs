//! Passes the committed query cache to sqlx's macros, so that no database is needed to build.
//!
//! `sqlx-data.json` contains the checked queries of both databases, keyed by hash. They are unpacked into `OUT_DIR` in
//! the form that sqlx reads, and the macros read only there: a query without an entry, or with a changed text, does not
//! compile. `cargo xtask prepare` sets `RECEIPTD_PREPARE` while it writes the file. The macros then ask a live database
//! instead.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde_json::Value;

const CACHE: &str = "sqlx-data.json";
/// The root of the workspace, which contains the cache.
const ROOT: &str = "../..";
const MEND: &str = "run `cargo xtask prepare`, which writes it again";
/// The database that `cargo xtask prepare` is working on. Unset in every other build.
const PREPARE: &str = "RECEIPTD_PREPARE";

fn main() {
    println!("cargo::rustc-check-cfg=cfg(prepare_only, values(\"sqlite\", \"postgres\"))");
    println!("cargo::rerun-if-env-changed={PREPARE}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={ROOT}/{CACHE}");
    let done = match env::var(PREPARE) {
        Ok(backend) => prepare(&backend),
        Err(env::VarError::NotPresent) => unpack(),
        Err(error) => Err(format!("{PREPARE}: {error}")),
    };
    if let Err(problem) = done {
        println!("cargo::error={problem}");
    }
}

/// Leaves the macros to the environment that `cargo xtask prepare` set up, and compiles the module of one database
/// only, since one compilation can be checked against one database.
fn prepare(backend: &str) -> Result<(), String> {
    if !matches!(backend, "sqlite" | "postgres") {
        return Err(format!("{PREPARE} is `{backend}`, and only `cargo xtask prepare` may set it; unset it"));
    }
    // The folder is new each time, so the macros run even if no source file has changed.
    println!("cargo::rerun-if-env-changed=SQLX_OFFLINE_DIR");
    println!("cargo::rustc-cfg=prepare_only=\"{backend}\"");
    Ok(())
}

/// Writes one file per query into `OUT_DIR` and points the macros there.
fn unpack() -> Result<(), String> {
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is unset: run this with cargo")?).join("sqlx");
    let queries = read_cache()?;
    write_all(&folder, &queries).map_err(|error| format!("could not unpack {CACHE} into OUT_DIR: {error}"))?;
    println!("cargo::rustc-env=SQLX_OFFLINE_DIR={}", folder.display());
    println!("cargo::rustc-env=SQLX_OFFLINE=true");
    Ok(())
}

/// The cache as file names and contents.
fn read_cache() -> Result<BTreeMap<String, String>, String> {
    let text = fs::read_to_string(Path::new(ROOT).join(CACHE)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{CACHE} is missing: {MEND}"),
        _ => format!("{CACHE} cannot be read: {error}"),
    })?;
    let Value::Object(entries) =
        serde_json::from_str(&text).map_err(|error| format!("{CACHE} is malformed ({error}): {MEND}"))?
    else {
        return Err(format!("{CACHE} is malformed (not an object): {MEND}"));
    };
    entries
        .into_iter()
        .map(|(hash, entry)| {
            // The hash becomes a file name, so only hexadecimal digits are allowed.
            let hex = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            let whole = entry["hash"] == *hash && entry["query"].is_string() && entry["describe"].is_object();
            let known = matches!(entry["db_name"].as_str(), Some("SQLite" | "PostgreSQL"));
            if hex && whole && known {
                Ok((format!("query-{hash}.json"), entry.to_string()))
            } else {
                Err(format!("{CACHE} is malformed (entry `{hash}` is not a checked query): {MEND}"))
            }
        })
        .collect()
}

/// Makes the folder contain exactly these files. Files that are already right are not touched.
fn write_all(folder: &Path, files: &BTreeMap<String, String>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(|name| files.contains_key(name)) {
            fs::remove_file(entry.path())?;
        }
    }
    for (name, content) in files {
        let path = folder.join(name);
        if fs::read_to_string(&path).ok().as_ref() != Some(content) {
            fs::write(&path, content)?;
        }
    }
    Ok(())
}
