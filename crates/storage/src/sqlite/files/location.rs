//! The location of an SQLite database: the path in its URL, and whether a database can be opened or created there.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    str::FromStr,
};

use rustix::{
    fs::{Access as Right, AtFlags, CWD},
    io::Errno,
};
use sqlx::sqlite::SqliteConnectOptions;
use url::form_urlencoded;

use super::{
    header::Header,
    held::{hold, read},
};
use crate::{Access, OpenError, UrlError};

/// The files of an SQLite database while it is in use. A write-ahead log is useless without its own database file.
pub(crate) const PARTS: [&str; 3] = ["", "-wal", "-shm"];

/// The path of an SQLite database.
#[derive(Clone, Debug)]
pub(crate) struct Location(PathBuf);

impl Location {
    /// Reads the path from this URL. Refuses parameters that would weaken the database, and a URL without a path.
    pub(crate) fn of(url: &str, access: Access) -> Result<Self, OpenError> {
        let rest = url.strip_prefix("sqlite:").ok_or(OpenError::Scheme)?;
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        check_parameters(parameters, access)?;
        check_path(path.strip_prefix("//").unwrap_or(path))?;
        if path.contains(":memory:") {
            return Err(OpenError::InMemory);
        }
        let options = SqliteConnectOptions::from_str(&format!("sqlite:{path}")).map_err(OpenError::connect)?;
        let path = options.get_filename();
        if path.as_os_str().is_empty() {
            return Err(UrlError::NoPath.into());
        }
        // SQLite would read `file:` as the beginning of a URI.
        let is_uri = path.to_string_lossy().starts_with("file:");
        Ok(Self(if is_uri { Path::new(".").join(path) } else { path.to_owned() }))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Options to open the file as it is, without changing it.
    pub(crate) fn connect(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new().filename(&self.0)
    }

    /// Checks what SQLite reports not at all, or only with the first write: whether the path names a regular file, and
    /// whether this user has the rights that `access` needs. If `access` allows it and there is no file, creates an
    /// empty one that only this user can read.
    pub(crate) fn prepare(&self, access: Access) -> Result<(), OpenError> {
        let path = self.path();
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(self.unusable("it is a directory")),
            Ok(found) if !found.is_file() => return Err(self.unusable("it is not a regular file")),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound && self.folder().is_dir() => match access {
                Access::Create => return self.create().map_err(|error| self.unusable(self.reason(&error))),
                Access::Read | Access::Write | Access::Migrate => return Err(OpenError::Absent(path.to_owned())),
            },
            Err(error) => return Err(self.unusable(self.reason(&error))),
        }
        self.check_rights(access)?;
        self.check_log()
    }

    fn check_rights(&self, access: Access) -> Result<(), OpenError> {
        let (right, verb) = match access {
            Access::Read => (Right::READ_OK, "read"),
            Access::Write | Access::Migrate | Access::Create => (Right::READ_OK | Right::WRITE_OK, "read and write"),
        };
        // SQLite keeps the write-ahead log and its index beside the file, for readers too.
        let (there, missing): (Vec<_>, Vec<_>) =
            PARTS.iter().map(|part| self.part(part)).partition(|part| part.exists());
        for part in there {
            match may(&part, right) {
                // Another process has closed the database meanwhile, which removes the log and its index.
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(self.unusable(denied(&format!("{verb} {}", part.display()), error))),
            }
        }
        if access == Access::Read && missing.is_empty() {
            return Ok(());
        }
        let folder = self.folder();
        may(folder, Right::WRITE_OK | Right::EXEC_OK).map_err(|error| {
            let denied = denied(&format!("create files in {}", folder.display()), error);
            self.unusable(format!("{denied}, where SQLite keeps its write-ahead log"))
        })
    }

    /// SQLite deletes the index before the log, and creates it after the log. An index without a log means that
    /// something removed the log, perhaps while a server was running.
    fn check_log(&self) -> Result<(), OpenError> {
        let is_missing = || self.part("-shm").exists() && !self.part("-wal").exists();
        // Between two checks another process may have closed or opened the database.
        if (0..3).all(|_| is_missing()) {
            return Err(OpenError::LogRemoved { log: self.part("-wal"), index: self.part("-shm") });
        }
        if !fs::metadata(self.part("-wal")).is_ok_and(|found| found.len() > 0) {
            return Ok(());
        }
        match can_have_log(self.path()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.unusable(
                "it was truncated or overwritten while it was in use, and the write-ahead log beside it (-wal) is not its \
                 own. Put a backup in place with `receiptd restore FILE --force`",
            )),
            Err(error) => Err(self.unusable(self.reason(&error))),
        }
    }

    /// An empty file is an empty database. SQLite gives the log and its index the mode of this file.
    fn create(&self) -> io::Result<()> {
        // This follows a symbolic link too, which `create_new` would not do.
        let file = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(self.path())?;
        file.sync_all()?;
        fs::File::open(self.folder())?.sync_all()
    }

    /// Describes an error of the file system for this path.
    fn reason(&self, error: &io::Error) -> String {
        let folder = self.folder();
        match error.kind() {
            ErrorKind::NotFound if !folder.exists() => format!("the directory {} does not exist", folder.display()),
            ErrorKind::NotADirectory | ErrorKind::NotFound if !folder.is_dir() => {
                format!("{} is not a directory", folder.display())
            }
            ErrorKind::PermissionDenied => {
                format!("this user lacks the permission to use the directory {}", folder.display())
            }
            ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
            ErrorKind::StorageFull => "there is no space left on the disk".to_owned(),
            _ => error.to_string(),
        }
    }

    /// Describes an error of SQLite for this file.
    pub(crate) fn refused(&self, error: sqlx::Error) -> OpenError {
        // Extended codes contain the primary code in the low byte.
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok()).unwrap_or_default();
        match code & 0xff {
            5 => self.unusable("another process has locked it"),
            8 => self.unusable("SQLite can open it only for reading"),
            11 => self.unusable("it is damaged; restore a backup"),
            14 => self.unusable("SQLite cannot open it, or its log (-wal, -shm) beside it"),
            13 => self.unusable("there is no space left on the disk"),
            26 => self.unusable("it is not an SQLite database"),
            _ => OpenError::connect(error),
        }
    }

    /// Files of the database that other users can read or write.
    pub(crate) fn exposed_parts(&self) -> Vec<PathBuf> {
        let is_exposed = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
        PARTS.iter().map(|part| self.part(part)).filter(is_exposed).collect()
    }

    pub(crate) fn part(&self, end: &str) -> PathBuf {
        with_end(&self.0, end)
    }

    fn folder(&self) -> &Path {
        folder(&self.0)
    }

    fn unusable(&self, reason: impl Into<String>) -> OpenError {
        OpenError::File { path: self.0.clone(), reason: reason.into() }
    }
}

/// Characters that are easily misunderstood must be escaped.
fn check_path(path: &str) -> Result<(), UrlError> {
    match path.trim() {
        "" => Err(UrlError::NoPath),
        bare if bare != path || path.contains(['#', '\n', '\r', '\t', '\0']) => Err(UrlError::OddPath),
        _ => Ok(()),
    }
}

fn check_parameters(parameters: &str, access: Access) -> Result<(), OpenError> {
    for (name, value) in form_urlencoded::parse(parameters.as_bytes()) {
        match (&*name, &*value) {
            ("mode", "memory") => return Err(OpenError::InMemory),
            ("mode", "ro") if access == Access::Read => {}
            ("mode", "ro") => return Err(OpenError::ReadOnly),
            ("mode", "rw" | "rwc") | ("cache", "private") | ("immutable", "0" | "false") => {}
            _ => return Err(OpenError::Parameter(name.into_owned())),
        }
    }
    Ok(())
}

/// Whether a log that is not empty can belong to this database file. SQLite writes to a new file before it creates a
/// log. Beside any other file, SQLite would use the log nevertheless, and it would treat an empty file as a new
/// database.
fn can_have_log(path: &Path) -> io::Result<bool> {
    let header = read(&*hold(path)?, 0)?.map(Header::new);
    Ok(header.is_some_and(|header| header.can_have_log()))
}

/// Whether this user has the right, by the effective ids.
fn may(path: &Path, right: Right) -> Result<(), Errno> {
    rustix::fs::accessat(CWD, path, right, AtFlags::EACCESS)
}

fn denied(what: &str, error: Errno) -> String {
    match error {
        Errno::ACCESS | Errno::PERM => format!("this user lacks the permission to {what}"),
        Errno::ROFS => "the file system is read-only".to_owned(),
        error => io::Error::from(error).to_string(),
    }
}

pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(crate) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
