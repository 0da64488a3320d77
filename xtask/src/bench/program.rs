//! The program that is measured.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::cargo::{self, cargo};

#[derive(clap::Args)]
pub(crate) struct Program {
    /// Measure this program instead of building one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

impl Program {
    /// Its file, and a folder for servers and stores. The folder is not among the system's temporary files, which may be in
    /// memory.
    pub(crate) fn prepare(&self) -> Result<(PathBuf, TempDir)> {
        let target = cargo::target_folder()?;
        fs::create_dir_all(&target)?;
        let work = tempfile::Builder::new().prefix("bench-").tempdir_in(&target)?;
        if let Some(binary) = &self.binary {
            let binary = binary.canonicalize().with_context(|| format!("{} does not exist", binary.display()))?;
            return Ok((binary, work));
        }
        cargo::run(cargo().args(["build", "--release", "--package", "receiptd", "--bin", "receiptd"]))?;
        Ok((target.join("release").join(format!("receiptd{}", std::env::consts::EXE_SUFFIX)), work))
    }
}
