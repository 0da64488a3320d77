//! A disk whose writes and syncs can be made to fail.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use harness::eventually;
use harness::preload::compile;
use tempfile::TempDir;

/// A folder, and the failures in it.
pub(crate) struct Shim {
    folder: TempDir,
    library: PathBuf,
}

impl Shim {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["files", "faults", "faults/disk"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let library = compile("tests/faults/shim.c", folder.path());
        Self { folder, library }
    }

    /// The folder for the files of the program.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// The environment variables for a program that uses this disk.
    pub(crate) fn settings(&self) -> [(&'static str, String); 3] {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        [
            ("LD_PRELOAD", text(&self.library)),
            ("SHIM_FOLDER", text(&self.files())),
            ("SHIM_FAULTS", text(&self.folder.path().join("faults"))),
        ]
    }

    /// Starts this failure; see `shim.c`.
    pub(crate) fn begins(&self, fault: &str) {
        File::create(self.fault(fault)).unwrap();
    }

    pub(crate) fn ends(&self, fault: &str) {
        fs::remove_file(self.fault(fault)).unwrap();
    }

    /// Makes the next sync fail, and returns when it has failed.
    pub(crate) async fn loses_a_sync(&self) {
        self.begins("next-sync-EIO");
        let failed = async || (!self.fault("next-sync-EIO").exists()).then_some(());
        eventually("a sync to fail", failed).await;
    }

    /// The contents of memory are lost: the files get the contents of the disk.
    pub(crate) fn loses_its_power(&self) {
        for file in fs::read_dir(self.files()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        for file in fs::read_dir(self.fault("disk")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), self.files().join(file.file_name())).unwrap();
        }
    }

    fn fault(&self, name: &str) -> PathBuf {
        self.folder.path().join("faults").join(name)
    }
}
