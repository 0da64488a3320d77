//! A server for a single test.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Deref,
};

use receiptd::{
    clock::Clock,
    config::{self, Flags},
    lifecycle::{self, ServeError},
};
use reqwest::ClientBuilder;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Client, Database,
    certificates::{Authority, Files},
};

/// A server that has not been started.
pub struct Setup {
    settings: Vec<(String, String)>,
    flags: Flags,
    /// The authority that clients must trust, in PEM. `None` without TLS.
    authority: Option<String>,
    clock: Clock,
    /// Stays open while the server is restarted, so that no other process gets the port.
    listener: TcpListener,
}

/// A running server. It must be stopped at the end of the test; otherwise the test fails.
pub struct TestServer {
    client: Client,
    pub address: SocketAddr,
    setup: Setup,
    stop: Option<DropGuard>,
    task: Option<JoinHandle<Result<(), ServeError>>>,
}

impl TestServer {
    /// Starts with the default settings.
    pub async fn start(database: &Database) -> Self {
        Self::on(database).start().await
    }

    /// A server whose settings can still be changed.
    pub fn on(database: &Database) -> Setup {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let flags = Flags { database_url: Some(database.url().to_owned()), ..Flags::default() };
        let setup = Setup { settings: Vec::new(), flags, authority: None, clock: Clock::system(), listener };
        // However busy the machine is, a test sees what was acknowledged.
        setup.with("query.catch_up_seconds", "60")
    }

    /// Stops gracefully.
    pub async fn stop(self) {
        self.stopped().await;
    }

    /// Stops gracefully, and keeps the database, the settings and the port for another start.
    pub async fn stopped(mut self) -> Setup {
        self.begins_to_stop();
        let ended = self.task.take().unwrap().await;
        ended.unwrap().unwrap();
        let listener = self.setup.listener.try_clone().unwrap();
        let Setup { settings, flags, authority, clock, .. } = &self.setup;
        let (settings, flags) = (settings.clone(), flags.clone());
        Setup { settings, flags, authority: authority.clone(), clock: clock.clone(), listener }
    }

    /// Requests the shutdown, and does not wait for it.
    pub fn begins_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// A client without a token.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client without a token, configured by `kind`.
    pub fn client_with(&self, kind: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
        self.setup.client(kind)
    }
}

impl Deref for TestServer {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let forgotten = self.task.is_some() && !std::thread::panicking();
        assert!(!forgotten, "the test ended without stopping its server");
    }
}

impl Setup {
    /// Adds a setting, with its name in the file: `notify.path_token`.
    pub fn with(self, name: &str, value: &str) -> Self {
        let mut setup = self.without(name);
        setup.settings.push((variable(name), value.to_owned()));
        setup
    }

    /// Uses another clock.
    pub fn by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Removes a setting.
    pub fn without(mut self, name: &str) -> Self {
        self.settings.retain(|(given, _)| *given != variable(name));
        self
    }

    /// Removes all settings.
    pub fn without_settings(self) -> Self {
        Self { settings: Vec::new(), ..self }
    }

    /// Sends through a platform at this URL, with `/notify` as notify URL.
    pub fn sending_to(self, platform: &str) -> Self {
        let url = format!("http://{}/notify", self.listener.local_addr().unwrap());
        self.with("public_url", &url).with("webex.base_url", platform).with("webex.service_key", "the-service-key")
    }

    /// Uses TLS with the certificate in these files.
    pub fn over_tls(self, files: &Files, authority: &Authority) -> Self {
        let (certificate, key) = files.names();
        let authority = Some(authority.pem());
        Self { authority, ..self.with("tls.certificate", certificate).with("tls.key", key) }
    }

    /// Does not use TLS.
    pub fn in_the_clear(self) -> Self {
        Self { authority: None, ..self.without("tls.certificate").without("tls.key") }
    }

    fn client(&self, kind: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        let base = format!("{scheme}://{}", self.listener.local_addr().unwrap());
        Client::with(base, self.authority.as_deref(), kind)
    }

    pub async fn start(self) -> TestServer {
        // An empty file, so that no `receiptd.toml` affects the test.
        let settings = config::load(&self.flags, self.settings.clone(), Some("/dev/null".into())).unwrap();
        let address = self.listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let listener = self.listener.try_clone().unwrap();
        let mut task = tokio::spawn(lifecycle::serve(settings, self.clock.clone(), listener, stop.clone()));
        let client = self.client(|builder| builder);
        tokio::select! {
            answer = client.gets("/health/live") => drop(answer.is(200)),
            ended = &mut task => panic!("the server ended before it answered: {ended:?}"),
        }
        TestServer { client, address, setup: self, stop: Some(stop.drop_guard()), task: Some(task) }
    }
}

/// The environment variable of a setting.
fn variable(name: &str) -> String {
    format!("RECEIPTD_{}", name.to_uppercase().replace('.', "__"))
}
