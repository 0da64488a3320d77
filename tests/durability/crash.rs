//! A Postgres server that a test may kill.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    harness::{Database, eventually},
    postgres::Server,
};

/// A server of the test's own.
pub(crate) struct Crashable {
    /// The server's folder: that of its data, and what its supervisor looks for.
    folder: PathBuf,
    server: Server,
}

impl Crashable {
    pub(crate) async fn start() -> Self {
        let server = Server::temporary().unwrap();
        let data = Self::database_of(&server).texts("SHOW data_directory").await.remove(0);
        Self { folder: Path::new(&data).parent().unwrap().to_owned(), server }
    }

    /// The one database on it.
    pub(crate) fn database(&self) -> Database {
        Self::database_of(&self.server)
    }

    fn database_of(server: &Server) -> Database {
        Database::on(server, "postgres".to_owned())
    }

    /// Kills all of its processes at once, and returns when it runs again.
    pub(crate) async fn crashes(&self) {
        let (main, _) = self.state();
        fs::write(self.folder.join("killed"), "").unwrap();
        // Stopped first: it must neither start another process, nor tell the others.
        signal("STOP", &[main]);
        let mut all = children(main);
        all.push(main);
        signal("KILL", &all);
        let again = async || matches!(self.state(), (process, true) if process != main).then_some(());
        eventually("Postgres to recover", again).await;
        fs::remove_file(self.folder.join("killed")).unwrap();
    }

    /// Its main process, and whether it takes connections.
    fn state(&self) -> (u32, bool) {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        let mut lines = file.lines();
        let process = lines.next().and_then(|line| line.parse().ok()).unwrap_or_default();
        (process, lines.nth(6).is_some_and(|state| state.trim_end() == "ready"))
    }
}

/// Some of them may be gone already.
fn signal(name: &str, processes: &[u32]) {
    let processes = processes.iter().map(u32::to_string);
    Command::new("kill").args(["-s", name]).args(processes).stderr(Stdio::null()).status().unwrap();
}

/// Those that `parent` has started.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_child = |process: &u32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|id| id.trim() == parent.to_string()))
    };
    numbers.filter(is_child).collect()
}
