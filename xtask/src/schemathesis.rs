//! `cargo xtask schemathesis`: another program reads the API's description, makes requests of it, and looks whether the
//! server keeps to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use temporary_postgres::install_package;

use crate::bench::server::Server;
use crate::cargo::{self, cargo};
use crate::database::{Scratch, block_on, sqlite_url};

/// Hold the API against its description with schemathesis
///
/// Schemathesis (from PyPI, with what it needs, in the versions of tests/schemathesis/requirements.txt, which also holds
/// the hash of each file) is installed into a folder of the build. It fails on any finding.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// How many requests to make up for each operation, beside those that follow from the description
    #[arg(long, value_name = "NUMBER", default_value_t = 15)]
    examples: u32,
    /// What is made up follows from this number
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// With a database on Postgres in place of a SQLite file
    #[arg(long)]
    postgres: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self { examples: 15, seed: 1, postgres: false }
    }
}

const TOKEN: &str = "a-token-of-this-run";

pub(crate) fn run(args: &Args) -> Result<()> {
    let program = install()?;
    // The one that the tests run, which is there if they ran before; `cargo build` would make another.
    cargo::run(cargo().args(["test", "--workspace", "--test", "docs", "--no-run"]))?;
    let binary = cargo::target_folder()?.join("debug/receiptd");
    let folder = tempfile::tempdir()?;
    if !args.postgres {
        return look(args, &program, &binary, folder.path(), sqlite_url(&folder.path().join("receiptd.db")));
    }
    let scratch = block_on(Scratch::create(temporary_postgres::Server::shared()?, "receiptd_schemathesis"))?;
    let done = look(args, &program, &binary, folder.path(), scratch.url());
    block_on(scratch.remove())?;
    done
}

fn look(args: &Args, program: &Path, binary: &Path, folder: &Path, database: String) -> Result<()> {
    let platform = Server::simulate(binary, &folder.join("platform"), 0)?;
    let settings = [
        ("RECEIPTD_DATABASE_URL", database),
        ("RECEIPTD_API_TOKENS", format!("everything:admin:{TOKEN}")),
        ("RECEIPTD_PUBLIC_URL", "http://127.0.0.1:9/notify".to_owned()),
        ("RECEIPTD_WEBEX__BASE_URL", format!("http://{}", platform.address)),
        ("RECEIPTD_WEBEX__SERVICE_KEY", "any".to_owned()),
    ];
    let server = Server::start(binary, &folder.join("server"), &settings)?;
    let own = own_folder();
    let mut command = Command::new(program);
    command.arg("--config-file").arg(own.join("schemathesis.toml"));
    command.arg("run").arg(format!("http://{}/openapi.json", server.address));
    command.args(["--header", &format!("Authorization: Bearer {TOKEN}")]);
    command.args(["--max-examples", &args.examples.to_string(), "--seed", &args.seed.to_string()]);
    // Nothing is kept from one run to the next, and findings alone are told.
    command.args(["--generation-database", "none", "--continue-on-failure", "--no-color", "--warnings", "off"]);
    command.current_dir(folder).env("PYTHONPATH", &own).env("SCHEMATHESIS_HOOKS", "hooks");
    // No proxy stands between two programs on this machine.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "127.0.0.1");
    let status = command.status().with_context(|| format!("could not start {}", program.display()))?;
    ensure!(status.success(), "schemathesis found something ({status}); the server's log:\n{}", server.log());
    Ok(())
}

/// Its settings, and what it has to be told.
fn own_folder() -> PathBuf {
    cargo::root().join("tests/schemathesis")
}

/// The program, in the versions that are asked for.
fn install() -> Result<PathBuf> {
    let folder = cargo::target_folder()?.join("schemathesis");
    let (wanted, installed) = (own_folder().join("requirements.txt"), folder.join("requirements.txt"));
    let wanted_text = fs::read(&wanted)?;
    let program = folder.join("bin/st");
    if fs::read(&installed).is_ok_and(|text| text == wanted_text) {
        return Ok(program);
    }
    let surroundings = || run_quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    if surroundings().is_err() {
        ensure!(
            install_package("python3-venv"),
            "Python's venv is missing and could not be installed: install it (`apt-get install python3-venv`)"
        );
        surroundings()?;
    }
    let mut pip = Command::new(folder.join("bin/pip"));
    // Each file is held to its hash, and nothing is taken that has none.
    let pinned =
        ["install", "--disable-pip-version-check", "--quiet", "--no-deps", "--require-hashes", "--requirement"];
    run_quietly(pip.args(pinned).arg(&wanted)).context("schemathesis could not be installed from PyPI")?;
    // Last of all, so that half an installation is not taken for a whole one.
    fs::write(&installed, wanted_text)?;
    Ok(program)
}

fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("could not start {}", command.get_program().display()))?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}
