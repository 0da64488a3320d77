//! A file system with little room, in memory.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A mounted file system. It goes with this value.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// One of so many MiB. Mounting is for root; to skip the test elsewhere would be to claim what was not seen.
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

    /// Takes all the room there is.
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

    /// Gives the room back.
    pub(crate) fn has_room(&self) {
        fs::remove_file(self.filling()).unwrap();
    }

    fn filling(&self) -> PathBuf {
        self.0.path().join("filling")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Also where a process is still in it.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}
