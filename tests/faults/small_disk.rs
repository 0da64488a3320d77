//! A small file system in memory.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A mounted file system. It is unmounted when this value is dropped.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// A file system of this number of MiB. Mounting requires root. Skipping the test would claim something that was
    /// not checked.
    pub(crate) fn of(mebibytes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={mebibytes}m,mode=0777");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&mounted.stderr);
        assert!(mounted.status.success(), "a small file system cannot be mounted (run the tests as root): {said}");
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills all free space.
    pub(crate) fn fills(&self) {
        let mut file = File::create(self.filling()).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            let block = vec![0; size];
            let error = loop {
                if let Err(error) = file.write_all(&block) {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        }
    }

    /// Frees the space again.
    pub(crate) fn has_room(&self) {
        fs::remove_file(self.filling()).unwrap();
    }

    fn filling(&self) -> PathBuf {
        self.0.path().join("filling")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Even if a process still uses it.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}
