//! The output of a command: standard output, a file that is already open, a device, or a regular file, which appears when
//! it is complete.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Seek, Write},
    os::unix::fs::{MetadataExt, fchown},
    path::{Path, PathBuf},
};

use anyhow::Context;
use tempfile::NamedTempFile;

use super::output;

/// An output that is being written.
pub(super) struct OutputFile {
    /// The name that the user gave.
    name: PathBuf,
    kind: Kind,
}

enum Kind {
    Stdout,
    /// A file that is not a regular one, or a descriptor that is already open.
    Stream(File),
    AtomicFile(Box<AtomicFile>),
}

/// A regular file, which gets its name only when it is complete.
struct AtomicFile {
    temporary: NamedTempFile,
    target: PathBuf,
    /// The existing file of this name.
    existing: Option<(File, Metadata)>,
}

/// The maximum number of symbolic links that Linux follows.
const MAX_LINKS: usize = 40;

impl OutputFile {
    /// Opens `path`; `None` and `-` are standard output. An existing regular file keeps its content until
    /// [`OutputFile::finish`].
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let name = path.unwrap_or(Path::new("-")).to_owned();
        let kind = if name == Path::new("-") { Ok(Kind::Stdout) } else { Kind::open(&name) };
        let kind = kind.with_context(|| cannot(&name))?;
        Ok(Self { name, kind })
    }

    /// The error message for an output that cannot be written.
    pub(super) fn cannot(&self) -> String {
        cannot(&self.name)
    }

    /// Returns whether the output is standard output.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.kind, Kind::Stdout)
    }

    /// Puts the file on disk and gives it its name.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let Kind::AtomicFile(file) = self.kind else { return Ok(()) };
        file.publish().with_context(|| cannot(&self.name))
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Stdout => {
                output::bytes(bytes);
                Ok(bytes.len())
            }
            Kind::Stream(file) => file.write(bytes),
            Kind::AtomicFile(file) => file.temporary.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Stdout => Ok(()),
            Kind::Stream(file) => file.flush(),
            Kind::AtomicFile(file) => file.temporary.flush(),
        }
    }
}

impl Kind {
    fn open(name: &Path) -> io::Result<Self> {
        let target = match follow(name)? {
            Followed::Descriptor(1) => return Ok(Self::Stdout),
            // The existing content stays, as in `command >> file`.
            Followed::Descriptor(_) => return OpenOptions::new().append(true).open(name).map(Self::Stream),
            Followed::Path(target) => target,
        };
        let existing = match OpenOptions::new().write(true).open(&target) {
            Ok(file) => Some((file.metadata()?, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        match existing {
            Some((metadata, file)) if !metadata.is_file() => Ok(Self::Stream(file)),
            existing => {
                // It is in the same folder, so that renaming it is one step.
                let temporary = NamedTempFile::new_in(folder(&target))?;
                let existing = existing.map(|(metadata, file)| (file, metadata));
                Ok(Self::AtomicFile(Box::new(AtomicFile { temporary, target, existing })))
            }
        }
    }
}

/// The target of a name.
enum Followed {
    /// The file that this process has open with this descriptor.
    Descriptor(u32),
    /// A path that is not a symbolic link. The file need not exist.
    Path(PathBuf),
}

/// Follows symbolic links, even to a file that does not exist yet. `/dev/stdout` and `/dev/fd/3` are links into the folder of
/// the descriptors of this process.
fn follow(name: &Path) -> io::Result<Followed> {
    let mut path = name.to_owned();
    for _ in 0..MAX_LINKS {
        let folder = fs::canonicalize(folder(&path))?;
        let number = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        let ours = [PathBuf::from("/dev/fd"), PathBuf::from(format!("/proc/{}/fd", std::process::id()))];
        if let Some(number) = number.filter(|_| ours.contains(&folder)) {
            return Ok(Followed::Descriptor(number));
        }
        match fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            // It is not a link, or it does not exist.
            Err(_) => return Ok(Followed::Path(path)),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl AtomicFile {
    /// Gives the file its name, with the mode and the owner of the existing file. If this process may not set that owner, the
    /// content is copied into the existing file instead.
    fn publish(self) -> io::Result<()> {
        let Self { mut temporary, target, existing } = self;
        if let Some((mut file, metadata)) = existing
            && !copy_owner_and_mode(temporary.as_file(), &metadata)
        {
            temporary.rewind()?;
            let bytes = io::copy(&mut temporary, &mut file)?;
            file.set_len(bytes)?;
            return file.sync_all();
        }
        temporary.as_file().sync_all()?;
        temporary.persist(target)?;
        Ok(())
    }
}

/// Gives a file the owner and the mode of the existing one. Returns whether this succeeded.
fn copy_owner_and_mode(file: &File, existing: &Metadata) -> bool {
    let (uid, gid) = (existing.uid(), existing.gid());
    let is_owned = file.metadata().is_ok_and(|metadata| (metadata.uid(), metadata.gid()) == (uid, gid));
    // The mode is set last, since a change of the owner clears a part of it.
    (is_owned || fchown(file, Some(uid), Some(gid)).is_ok()) && file.set_permissions(existing.permissions()).is_ok()
}

fn cannot(name: &Path) -> String {
    format!("{} cannot be written", name.display())
}
