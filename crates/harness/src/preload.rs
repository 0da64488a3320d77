//! A library that intercepts a program's calls to the operating system, loaded with `LD_PRELOAD`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// Compiles a C file, whose path is relative to the root of the repository, to a library in `folder`. A compiler is
/// available, since SQLite is built with it.
pub fn compile(source: &str, folder: &Path) -> PathBuf {
    let library = folder.join("shim.so");
    let mut compiler = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&library);
    compiler.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(source)).args(["-ldl", "-lpthread"]);
    assert!(compiler.status().unwrap().success());
    library
}
