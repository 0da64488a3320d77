//! The real binary as a child process.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context, Result, bail, ensure};

const READY_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(2);

/// In which Linux counts processor time, whatever the machine.
const TICK: Duration = Duration::from_millis(10);

/// What a process has done since its start.
pub(crate) struct Activity {
    pub processor_time: Duration,
    /// How often a thread gave up its processor to wait.
    pub wake_ups: u64,
}

/// A server of receiptd, until this value goes.
pub(crate) struct Server {
    command: Command,
    child: Child,
    log: PathBuf,
    pub address: SocketAddr,
    /// What answers 200 once it is ready.
    probe: &'static str,
}

impl Server {
    /// `receiptd serve` in a folder of its own, as soon as it takes notifications.
    pub(crate) fn start(binary: &Path, folder: &Path, settings: &[(&str, String)]) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(binary);
        command.arg("serve").env("RECEIPTD_LISTEN", address.to_string());
        Self::run(command, folder, address, "/health/ready", settings)
    }

    /// `receiptd simulate` in a folder of its own, as soon as it takes sends. It answers at once.
    pub(crate) fn simulate(binary: &Path, folder: &Path, answer_delay: u64) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(binary);
        command.args(["simulate", "--answer-delay", &answer_delay.to_string(), "--listen", &address.to_string()]);
        Self::run(command, folder, address, "/", &[])
    }

    fn run(
        mut command: Command,
        folder: &Path,
        address: SocketAddr,
        probe: &'static str,
        settings: &[(&str, String)],
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let log = folder.join("server.log");
        let output = File::create(&log)?;
        command.current_dir(folder);
        // A developer's own settings must not change the measurement.
        let foreign = |name: &std::ffi::OsString| {
            name.to_string_lossy().starts_with("RECEIPTD_") && !command.get_envs().any(|(own, _)| own == name)
        };
        let foreign: Vec<_> = env::vars_os().map(|(name, _)| name).filter(foreign).collect();
        for name in foreign {
            command.env_remove(name);
        }
        command.env("RUST_LOG", "warn").envs(settings.iter().cloned());
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("could not start {}", binary_name(&command)))?;
        let mut server = Self { command, child, log, address, probe };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while !self.is_ready().unwrap_or(false) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended ({status}) before it was ready; its log:\n{}", self.log());
            }
            if Instant::now() > deadline {
                bail!("the server was not ready in {READY_WITHIN:?}; its log:\n{}", self.log());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn is_ready(&self) -> Result<bool> {
        let mut stream = TcpStream::connect_timeout(&self.address, READY_WITHIN)?;
        stream.set_read_timeout(Some(READY_WITHIN))?;
        write!(stream, "GET {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.probe, self.address)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer.starts_with(b"HTTP/1.1 200 "))
    }

    /// Kills it (`SIGKILL`) and starts it again at the same address. Returns how long it took from the start until it was
    /// ready.
    pub(crate) fn kill_and_restart(&mut self) -> Result<Duration> {
        self.child.kill()?;
        self.restart()
    }

    /// Asks it to end (`SIGTERM`) and starts it again at the same address. Returns how long it took from the start until it
    /// was ready.
    pub(crate) fn stop_and_restart(&mut self) -> Result<Duration> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(asked.success(), "kill failed ({asked})");
        self.restart()
    }

    fn restart(&mut self) -> Result<Duration> {
        self.child.wait()?;
        let begin = Instant::now();
        self.child = self.command.spawn()?;
        self.wait_until_ready()?;
        Ok(begin.elapsed())
    }

    /// The memory that it uses now and the most that it has used since its start (resident), in bytes.
    pub(crate) fn memory(&self) -> Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kibibytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix(" kB"));
            value.and_then(|value| value.trim().parse::<u64>().ok()).with_context(|| format!("{name} is missing"))
        };
        Ok((1024 * kibibytes("VmRSS:")?, 1024 * kibibytes("VmHWM:")?))
    }

    /// What its threads have done since its start.
    pub(crate) fn activity(&self) -> Result<Activity> {
        let (mut ticks, mut wake_ups) = (0, 0);
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let folder = thread?.path();
            let status = fs::read_to_string(folder.join("status"))?;
            let waits = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            wake_ups += waits.and_then(|waits| waits.trim().parse::<u64>().ok()).context("a thread has no count")?;
            let stat = fs::read_to_string(folder.join("stat"))?;
            // The name of the thread is in brackets and may contain spaces. User and system time are the 14th and 15th value.
            let (_, values) = stat.rsplit_once(')').context("a thread has no times")?;
            let times = values.split_ascii_whitespace().skip(11).take(2).map(str::parse::<u64>);
            ticks += times.sum::<Result<u64, _>>()?;
        }
        Ok(Activity { processor_time: TICK * u32::try_from(ticks)?, wake_ups })
    }

    /// What it said, warnings only.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn binary_name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
