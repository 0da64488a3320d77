//! The real binary as a child process.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context, Result, bail};

const READY_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// `receiptd serve`, until this value goes.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    pub address: SocketAddr,
}

impl Server {
    /// Starts it in a folder of its own and waits until it takes notifications.
    pub(crate) fn start(binary: &Path, folder: &Path, settings: &[(&str, String)]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = folder.join("server.log");
        let output = File::create(&log)?;
        let mut command = Command::new(binary);
        command.arg("serve").current_dir(folder);
        // A developer's own settings must not change the measurement.
        let ours = env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("RECEIPTD_"));
        ours.for_each(|name| {
            command.env_remove(name);
        });
        command.env("RUST_LOG", "warn").env("RECEIPTD_LISTEN", address.to_string()).envs(settings.iter().cloned());
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("could not start {}", binary.display()))?;
        let mut server = Self { child, log, address };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while !self.is_ready().unwrap_or(false) {
            if let Some(status) = self.child.try_wait()? {
                bail!("`receiptd serve` ended ({status}) before it was ready; its log:\n{}", self.log());
            }
            if Instant::now() > deadline {
                bail!("`receiptd serve` was not ready in {READY_WITHIN:?}; its log:\n{}", self.log());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn is_ready(&self) -> Result<bool> {
        let mut stream = TcpStream::connect_timeout(&self.address, READY_WITHIN)?;
        stream.set_read_timeout(Some(READY_WITHIN))?;
        write!(stream, "GET /health/ready HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer.starts_with(b"HTTP/1.1 200 "))
    }

    /// What it said, warnings only.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
