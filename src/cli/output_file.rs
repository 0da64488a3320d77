//! Where a command writes a file to: standard output, what is open already, a device, or a regular file, which appears
//! when it is whole.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Seek, Write},
    os::unix::fs::{MetadataExt, fchown},
    path::{Path, PathBuf},
};

use anyhow::Context;
use tempfile::NamedTempFile;

use super::output;

/// A file that is being written.
pub(super) struct OutputFile {
    /// As the user named it.
    name: PathBuf,
    kind: Kind,
}

enum Kind {
    Stdout,
    /// What is no regular file, or a descriptor that is open already.
    Stream(File),
    Whole(Box<Whole>),
}

/// A regular file, which has its name only when it is whole.
struct Whole {
    draft: NamedTempFile,
    place: PathBuf,
    /// The one that has the name now.
    former: Option<(File, Metadata)>,
}

/// As many symbolic links lead to one another in Linux.
const MOST_LINKS: usize = 40;

impl OutputFile {
    /// Opens `path`; `None` and `-` are standard output. Nothing is lost of a file that is there before
    /// [`OutputFile::finish`].
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let name = path.unwrap_or(Path::new("-")).to_owned();
        let kind = if name == Path::new("-") { Ok(Kind::Stdout) } else { Kind::open(&name) };
        let kind = kind.with_context(|| cannot(&name))?;
        Ok(Self { name, kind })
    }

    /// What went wrong where it cannot be written.
    pub(super) fn cannot(&self) -> String {
        cannot(&self.name)
    }

    /// Whether it is standard output.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.kind, Kind::Stdout)
    }

    /// Puts the file on disk and gives it its name.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let Kind::Whole(whole) = self.kind else { return Ok(()) };
        whole.put().with_context(|| cannot(&self.name))
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
            Kind::Whole(whole) => whole.draft.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Stdout => Ok(()),
            Kind::Stream(file) => file.flush(),
            Kind::Whole(whole) => whole.draft.flush(),
        }
    }
}

impl Kind {
    fn open(name: &Path) -> io::Result<Self> {
        let place = match follow(name)? {
            Followed::Descriptor(1) => return Ok(Self::Stdout),
            // What is there already stays, as in `command >> file`.
            Followed::Descriptor(_) => return OpenOptions::new().append(true).open(name).map(Self::Stream),
            Followed::Place(place) => place,
        };
        let former = match OpenOptions::new().write(true).open(&place) {
            Ok(file) => Some((file.metadata()?, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        match former {
            Some((metadata, file)) if !metadata.is_file() => Ok(Self::Stream(file)),
            former => {
                // In the same folder, so that giving it its name is one step.
                let draft = NamedTempFile::new_in(folder(&place))?;
                let former = former.map(|(metadata, file)| (file, metadata));
                Ok(Self::Whole(Box::new(Whole { draft, place, former })))
            }
        }
    }
}

/// Where a name leads.
enum Followed {
    /// To what this process has open under this number.
    Descriptor(u32),
    /// To a place that is no symbolic link. Nothing need be there.
    Place(PathBuf),
}

/// Follows symbolic links, also where they lead to what is not there yet. `/dev/stdout` and `/dev/fd/3` are links into
/// the folder of what this process has open.
fn follow(name: &Path) -> io::Result<Followed> {
    let mut place = name.to_owned();
    for _ in 0..MOST_LINKS {
        let folder = fs::canonicalize(folder(&place))?;
        let number = place.file_name().and_then(|name| name.to_str()?.parse().ok());
        let ours = [PathBuf::from("/dev/fd"), PathBuf::from(format!("/proc/{}/fd", std::process::id()))];
        if let Some(number) = number.filter(|_| ours.contains(&folder)) {
            return Ok(Followed::Descriptor(number));
        }
        match fs::read_link(&place) {
            Ok(target) => place = folder.join(target),
            // No link, or nothing at all.
            Err(_) => return Ok(Followed::Place(place)),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn folder(place: &Path) -> &Path {
    place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Whole {
    /// Gives the file its name. Mode and owner of the former file stay; where this process may not give a file that
    /// owner, the former file gets the content.
    fn put(self) -> io::Result<()> {
        let Self { mut draft, place, former } = self;
        if let Some((mut file, metadata)) = former
            && !take_on(draft.as_file(), &metadata)
        {
            draft.rewind()?;
            let bytes = io::copy(&mut draft, &mut file)?;
            file.set_len(bytes)?;
            return file.sync_all();
        }
        draft.as_file().sync_all()?;
        draft.persist(place)?;
        Ok(())
    }
}

/// Gives a file the owner and the mode of another; tells whether it has them.
fn take_on(file: &File, former: &Metadata) -> bool {
    let (uid, gid) = (former.uid(), former.gid());
    let is_owned = file.metadata().is_ok_and(|metadata| (metadata.uid(), metadata.gid()) == (uid, gid));
    // The mode comes last, since another owner clears a part of it.
    (is_owned || fchown(file, Some(uid), Some(gid)).is_ok()) && file.set_permissions(former.permissions()).is_ok()
}

fn cannot(name: &Path) -> String {
    format!("{} cannot be written", name.display())
}
