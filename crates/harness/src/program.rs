//! The real program in its own process.

use std::{
    env,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use serde_json::Value;

use super::{Client, eventually};

/// A running `receiptd`. When this value is dropped, the process is killed as by a power failure, unless it has ended.
pub struct Program {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// The result of a program that has ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// `receiptd` with these arguments, in this folder, without settings from the environment of the tests.
pub fn receiptd(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(
        env::var_os("CARGO_BIN_EXE_receiptd").expect("cargo names the program to the tests of its package"),
    );
    command.args(arguments).env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

/// `receiptd serve` with these settings.
fn serving(folder: &Path, address: SocketAddr, settings: &[(&str, &str)]) -> Command {
    let mut command = receiptd(folder, &["serve", "--listen", &address.to_string()]);
    // Longer than the default, since the machine may be busy, and shorter than the client waits for an answer.
    command.env("RECEIPTD_QUERY__CATCH_UP_SECONDS", "5").envs(settings.iter().copied());
    command
}

impl Program {
    /// Starts it. Its output goes to files, so that it never blocks.
    pub fn start(command: &mut Command) -> Self {
        let folder = command.get_current_dir().unwrap();
        let name = folder.join(uuid::Uuid::new_v4().to_string());
        let (out, err) = (name.with_extension("out"), name.with_extension("err"));
        let child = command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap()).spawn().unwrap();
        Self { child, out, err }
    }

    /// Starts `receiptd serve`, and waits until it answers.
    pub async fn serve(folder: &Path, address: SocketAddr, settings: &[(&str, &str)]) -> (Self, Client) {
        let client = Client::of(format!("http://{address}"));
        (Self::serve_for(&client, folder, address, settings).await, client)
    }

    /// Like [`Program::serve`], but the program may have only this many files open.
    pub async fn serve_with_files(
        most: u32,
        folder: &Path,
        address: SocketAddr,
        settings: &[(&str, &str)],
    ) -> (Self, Client) {
        let client = Client::of(format!("http://{address}"));
        let program = serving(folder, address, settings);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\"")]).arg(program.get_program());
        command.args(program.get_args()).env_clear().current_dir(folder).stdin(Stdio::null());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        (Self::answering(&client, &mut command).await, client)
    }

    /// Like [`Program::serve`], but waits with this client.
    pub async fn serve_for(client: &Client, folder: &Path, address: SocketAddr, settings: &[(&str, &str)]) -> Self {
        Self::answering(client, &mut serving(folder, address, settings)).await
    }

    async fn answering(client: &Client, command: &mut Command) -> Self {
        let mut program = Self::start(command);
        eventually("the server to answer", async || {
            assert_eq!(program.child.try_wait().unwrap(), None, "{}", program.logged());
            client.is_answered().await.then_some(())
        })
        .await;
        program
    }

    /// Its command line, which all users of the machine can see in the list of processes.
    pub fn command_line(&self) -> String {
        fs::read_to_string(format!("/proc/{}/cmdline", self.child.id())).unwrap()
    }

    /// The log so far.
    pub fn logged(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory in bytes.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// The number of its open sockets.
    pub fn sockets(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap();
        let socket = |link: std::io::Result<std::path::PathBuf>| link.is_ok_and(|to| to.starts_with("socket:"));
        files.filter(|file| socket(fs::read_link(file.as_ref().unwrap().path()))).count()
    }

    /// The output so far.
    pub fn printed(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    /// Waits for its end.
    pub async fn ends(mut self) -> Ended {
        let status = eventually("the program to end", async || self.child.try_wait().unwrap()).await;
        Ended { code: status.code(), out: self.printed(), err: self.logged() }
    }

    /// Sends a signal, and waits for its end.
    pub async fn ends_on(self, signal: &str) -> Ended {
        let process = self.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &process]).status().unwrap().success());
        self.ends().await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on this machine that stays free while a program is restarted. It is outside of the range from which the
/// system assigns ports, so that neither another listener nor an outgoing connection gets it.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 2000).unwrap() * 10;
    loop {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, first + NEXT.fetch_add(1, Ordering::Relaxed)));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

impl Ended {
    #[track_caller]
    pub fn is(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn prints(&self, words: &[&str]) {
        assert!(words.iter().all(|words| self.out.contains(words)), "{words:?} is not in:\n{}", self.out);
    }

    /// Checks its standard error.
    #[track_caller]
    pub fn complains(&self, words: &str) {
        assert!(self.err.contains(words), "{words:?} is not in:\n{}", self.err);
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}", self.out))
    }
}
