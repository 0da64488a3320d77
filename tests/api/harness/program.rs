//! The real program, in a process of its own.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use super::{Client, eventually};

/// A running `receiptd`. With this value it is killed, as by a power cut, if it has not ended before.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
}

/// `receiptd` with these arguments, without any settings of whoever runs the tests.
pub(crate) fn receiptd(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_receiptd"));
    command.args(arguments).env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

impl Program {
    /// Starts it; what it prints on either output goes to a file.
    pub(crate) fn start(mut command: Command) -> Self {
        let folder = command.get_current_dir().unwrap().to_owned();
        let log = folder.join(format!("{}.log", uuid::Uuid::new_v4()));
        let file = File::create(&log).unwrap();
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Self { child, log }
    }

    /// Starts `receiptd serve`, and waits until it answers.
    pub(crate) async fn serve(folder: &Path, address: SocketAddr, settings: &[(&str, &str)]) -> (Self, Client) {
        let mut command = receiptd(folder, &["serve", "--listen", &address.to_string()]);
        command.envs(settings.iter().copied());
        let program = Self::start(command);
        let client = Client::of(format!("http://{address}"));
        eventually("the server to answer", async || client.is_answered().await.then_some(())).await;
        (program, client)
    }

    /// Everything that it printed so far.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to end, and tells how it did.
    pub(crate) async fn terminate(mut self) -> (ExitStatus, String) {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
        let ended = eventually("the program to end", async || self.child.try_wait().unwrap()).await;
        (ended, self.output())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on this machine that stays free while a program is restarted: outside of the range from which the system
/// hands out ports, so that neither another listener nor an outgoing connection gets it.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 2000).unwrap() * 10;
    loop {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, first + NEXT.fetch_add(1, Ordering::Relaxed)));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
