//! A temporary Postgres server, for the tests and for `cargo xtask`.
//!
//! [`Server::shared`] returns the one server of this process, [`Server::temporary`] starts another. A temporary server
//! ends and its folder is removed when the process ends, however that happens: a small shell beside it waits for the
//! end of a pipe that only this process holds. (A death signal would not work: it follows the *thread* that started the
//! server, and the thread of a test ends with the test. `Drop` would not work either, since a `static` is never
//! dropped.)
//!
//! The server is durable (`fsync` and `synchronous_commit` are on), because tests check durability. If
//! `RECEIPTD_TEST_POSTGRES_URL` is set, that server is the shared one. If Postgres is missing, it is installed if
//! possible. Otherwise the tests fail; they are never skipped.

use std::io::{Error, ErrorKind, Result};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// The address of a server to use instead of a temporary one. Its role must be allowed to create databases.
pub const URL_VARIABLE: &str = "RECEIPTD_TEST_POSTGRES_URL";

const READY_WITHIN: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);
/// Another process may take the free port before Postgres does.
const ATTEMPTS: u32 = 5;

/// Creates the cluster, runs the server, and removes both when standard input ends. `$1` is the folder of the programs,
/// `$2` the folder of the server, `$3` the port. No data must survive the folder, so the server is stopped at once,
/// without a checkpoint. The signal is repeated until the server has ended, since it may not handle signals yet. If
/// there is a file `killed`, which a test creates and removes, a killed server is started again until it runs.
const SUPERVISE: &str = r#"
trap '' HUP INT TERM
exec 3<&0 >>"$2/log" 2>&1
"$1/initdb" --pgdata="$2/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync || exit 1
{ cat <&3; : >"$2/released"; while [ -e "$2" ]; do kill -QUIT $(cat "$2/server"); sleep 0.05; done; } >/dev/null 2>&1 &
watcher=$!
while
  "$1/postgres" -D "$2/data" -c listen_addresses=127.0.0.1 -c port="$3" -c unix_socket_directories="$2" \
    -c max_connections=300 -c fsync=on -c full_page_writes=on -c synchronous_commit=on -c timezone=UTC &
  echo $! >"$2/server"
  wait $!
  rm "$2/server"
  [ -e "$2/released" ] && exec rm -rf "$2"
  [ -e "$2/killed" ]
do sleep 0.05; done
kill -KILL "$watcher"
exit 1
"#;

/// A running server: a temporary one, which ends when this value is dropped, or the one that the environment names.
#[derive(Debug)]
pub struct Server {
    /// The parts of the URL before and after the database's name.
    address: (String, String),
    _temporary: Option<Temporary>,
}

impl Server {
    /// The server of this process, started by the first call. Each test creates its own databases on it.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<std::result::Result<Server, String>> = OnceLock::new();
        let server = SHARED.get_or_init(|| Self::start().map_err(|error| error.to_string()));
        server.as_ref().map_err(|error| Error::other(error.clone()))
    }

    /// The server that the environment names, or a temporary one. Waits until it accepts connections.
    fn start() -> Result<Self> {
        let Some(url) = env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty()) else { return Self::temporary() };
        let address = split(&url)
            .ok_or_else(|| Error::other(format!("{URL_VARIABLE} must be like `postgres://user@host:5432/postgres`")))?;
        Ok(Self { address, _temporary: None })
    }

    /// A server for the caller alone, whatever the environment names. Waits until it accepts connections.
    pub fn temporary() -> Result<Self> {
        let programs = programs()?;
        let mut attempt = 1;
        loop {
            let mut server = Temporary::spawn(&programs)?;
            match server.wait_until_ready() {
                Ok(()) => {
                    let address = (format!("postgres://postgres@127.0.0.1:{}/", server.port), String::new());
                    return Ok(Self { address, _temporary: Some(server) });
                }
                Err(log) if attempt < ATTEMPTS && log.contains("could not bind") => attempt += 1,
                Err(log) => {
                    return Err(Error::other(format!("the temporary Postgres did not start; its log:\n{log}")));
                }
            }
        }
    }

    /// The URL of a database on this server. `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        format!("{}{database}{}", self.address.0, self.address.1)
    }
}

/// Splits a URL around the database's name.
fn split(url: &str) -> Option<(String, String)> {
    let (address, query) = url.find('?').map_or((url, ""), |at| url.split_at(at));
    let host = address.find("://")? + 3;
    let end = address[host..].find('/').map_or(address.len(), |at| host + at);
    (end > host).then(|| (format!("{}/", &address[..end]), query.to_owned()))
}

#[derive(Debug)]
struct Temporary {
    supervisor: Child,
    folder: PathBuf,
    port: u16,
}

impl Temporary {
    fn spawn(programs: &Path) -> Result<Self> {
        // Postgres detects whether the port is still free. The listener is closed here.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let folder = new_folder()?;
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISE, "receiptd-postgres"]).arg(programs).arg(&folder).arg(port.to_string());
        if id("-u", None) == Some(0) {
            let (user, group) = ordinary_user()?;
            chown(&folder, Some(user), Some(group))?;
            command.uid(user).gid(group);
        }
        // Its own process group: Ctrl-C in a terminal is for the owner. No output: a pipe of the owner must not stay
        // open after its end.
        command.current_dir(&folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(supervisor) => Ok(Self { supervisor, folder, port }),
            Err(error) => {
                fs::remove_dir_all(&folder)?;
                Err(error)
            }
        }
    }

    /// On failure, returns the server's log.
    fn wait_until_ready(&mut self) -> std::result::Result<(), String> {
        let deadline = Instant::now() + READY_WITHIN;
        while !self.is_ready() {
            if self.supervisor.try_wait().map_err(|error| error.to_string())?.is_some() || Instant::now() > deadline {
                return Err(fs::read_to_string(self.folder.join("log")).unwrap_or_else(|error| error.to_string()));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// The server states that it accepts connections in the 8th line of its pid file, on which `pg_ctl` relies too. A
    /// connection would prove less, since another server may have taken the port.
    fn is_ready(&self) -> bool {
        let pid_file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        pid_file.lines().nth(7).is_some_and(|state| state.trim_end() == "ready")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // The server ends by itself now. An error here only leaves a folder behind.
        let _ = self.supervisor.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder that no other process uses. It is not in `/tmp` unless configured: on many machines that is memory, where a
/// sync to disk proves nothing.
fn new_folder() -> Result<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let on_disk = Path::new("/var/tmp");
    let parent = match env::var_os("TMPDIR") {
        None if on_disk.is_dir() => on_disk.to_owned(),
        _ => env::temp_dir(),
    };
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("receiptd-postgres-{}-{number}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            // Left by a process that had this id before.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Postgres refuses to run as root. Debian's package creates a user for it.
fn ordinary_user() -> Result<(u32, u32)> {
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|user| Some((id("-u", Some(user))?, id("-g", Some(user))?)))
        .ok_or_else(|| Error::other("Postgres cannot run as root, and there is no user `postgres` or `nobody`"))
}

/// The id of a user, or of this process.
fn id(flag: &str, user: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(flag).args(user).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The folder of `initdb` and `postgres`. Installs them if they are missing.
fn programs() -> Result<PathBuf> {
    if let Some(found) = find_programs() {
        return Ok(found);
    }
    // One process installs while the others wait.
    let user = id("-u", None).unwrap_or_default();
    let lock = fs::File::create(env::temp_dir().join(format!("receiptd-postgres-installation-{user}.lock")))?;
    lock.lock()?;
    if find_programs().is_none() {
        install()?;
    }
    find_programs().ok_or_else(|| Error::other("Postgres was installed, but its `initdb` and `postgres` are nowhere"))
}

/// In this order: `pg_config`, `PATH`, the newest of Debian's folders.
fn find_programs() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok();
    let told = told.and_then(|output| String::from_utf8(output.stdout).ok()).map(|text| PathBuf::from(text.trim()));
    let path = env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    let version = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    debian.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let complete = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    told.into_iter().chain(env::split_paths(&path)).chain(debian).find(complete)
}

fn install() -> Result<()> {
    if install_package("postgresql") {
        return Ok(());
    }
    Err(Error::other(format!(
        "Postgres is missing and could not be installed. Install it (`apt-get install postgresql`), put the folder of \
         `initdb` and `postgres` on PATH, or set {URL_VARIABLE} to a server whose role may create databases"
    )))
}

/// Installs a package of Debian, as root or through `sudo` without a password. Returns whether this succeeded.
pub fn install_package(name: &str) -> bool {
    const SCRIPT: &str = "export DEBIAN_FRONTEND=noninteractive; apt-get -q update \
        && apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends \"$0\"";
    let root = id("-u", None) == Some(0);
    let mut command = if root { Command::new("sh") } else { Command::new("sudo") };
    if !root {
        command.args(["-n", "sh"]);
    }
    command.args(["-c", SCRIPT, name]).stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn the_name_of_the_database_is_exchanged_in_a_given_address() {
        let parts = |url| split(url).map(|(before, after)| format!("{before}NAME{after}"));
        assert_eq!(parts("postgres://a:b@h:5/x?c=d").as_deref(), Some("postgres://a:b@h:5/NAME?c=d"));
        assert_eq!(parts("postgresql://h").as_deref(), Some("postgresql://h/NAME"));
        assert_eq!(parts("postgres:///x"), None);
        assert_eq!(parts("h:5/x"), None);
    }
}
