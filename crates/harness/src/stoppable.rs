//! A Postgres server that a test can stop and kill.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use temporary_postgres::Server;

use crate::{Database, eventually};

/// A server that only one test uses.
pub struct Stoppable {
    server: Server,
    /// The folder of the server, which contains its data and the control files of its supervisor.
    folder: PathBuf,
}

impl Stoppable {
    pub async fn start() -> Self {
        let server = Server::temporary().unwrap();
        let data = Database::on(&server, "postgres".to_owned()).texts("SHOW data_directory").await.remove(0);
        Self { folder: Path::new(&data).parent().unwrap().to_owned(), server }
    }

    /// The default database.
    pub fn database(&self) -> Database {
        Database::on(&self.server, "postgres".to_owned())
    }

    /// A database whose tables are in this folder.
    pub async fn database_in(&self, folder: &Path) -> Database {
        let mut connection = PgConnection::connect(&self.server.url("postgres")).await.unwrap();
        let place = format!("CREATE TABLESPACE elsewhere LOCATION '{}'", folder.display());
        for statement in [&place, "CREATE DATABASE elsewhere TABLESPACE elsewhere"] {
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
        }
        Database::on(&self.server, "elsewhere".to_owned())
    }

    /// The user id of its processes.
    pub fn user(&self) -> u32 {
        fs::metadata(&self.folder).unwrap().uid()
    }

    /// Stops all of its processes (SIGSTOP). They continue when the returned value is dropped.
    pub fn stops(&self) -> Stopped {
        let main = self.main();
        // The main process first, so that it does not start another one.
        signal("STOP", &[main]);
        let mut all = children(main);
        signal("STOP", &all);
        all.push(main);
        Stopped(all)
    }

    /// Kills all of its processes at once. The server starts again when the returned value is dropped.
    pub fn is_killed(&self) -> Killed<'_> {
        let main = self.main();
        let supervisor = parent(main).unwrap();
        // Otherwise the supervisor would restart it at once.
        signal("STOP", &[supervisor, main]);
        fs::write(self.folder.join("killed"), "").unwrap();
        let mut all = children(main);
        all.push(main);
        signal("KILL", &all);
        Killed { server: self, supervisor, main }
    }

    fn main(&self) -> u32 {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        file.lines().next().unwrap().parse().unwrap()
    }
}

/// A server whose processes are stopped.
#[must_use]
pub struct Stopped(Vec<u32>);

impl Drop for Stopped {
    fn drop(&mut self) {
        signal("CONT", &self.0);
    }
}

/// A server whose processes were killed.
#[must_use]
pub struct Killed<'a> {
    server: &'a Stoppable,
    supervisor: u32,
    main: u32,
}

impl Killed<'_> {
    /// Returns when it accepts connections again.
    pub async fn comes_back(self) {
        let (server, main) = (self.server, self.main);
        drop(self);
        let file = server.folder.join("data/postmaster.pid");
        let again = async || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let is_other = text.lines().next().is_some_and(|line| line != main.to_string());
            (is_other && text.lines().nth(7).is_some_and(|state| state.trim_end() == "ready")).then_some(())
        };
        eventually("Postgres to recover", again).await;
        fs::remove_file(server.folder.join("killed")).unwrap();
    }
}

impl Drop for Killed<'_> {
    fn drop(&mut self) {
        signal("CONT", &[self.supervisor]);
    }
}

/// Some of the processes may have ended already.
fn signal(name: &str, processes: &[u32]) {
    let processes = processes.iter().map(u32::to_string);
    Command::new("kill").args(["-s", name]).args(processes).stderr(Stdio::null()).status().unwrap();
}

/// The child processes of `process`.
fn children(process: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|child| parent(*child) == Some(process)).collect()
}

fn parent(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}
