//! A proxy in front of Postgres that cuts connections, or lets them fall silent.

use std::{future::pending, net::Ipv4Addr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{
        Notify,
        watch::{self, Receiver},
    },
    task::JoinSet,
};
use url::Url;

/// A running proxy. It ends when this value is dropped.
pub(crate) struct Proxy {
    /// The URL of the database through the proxy.
    pub(crate) url: String,
    weather: watch::Sender<Weather>,
    cut: Arc<Notify>,
    _task: JoinSet<()>,
}

/// The state of the connections. Each connection has the generation in which it began.
#[derive(Clone, Copy, Default)]
struct Weather {
    age: u64,
    /// Connections of an earlier generation are cut.
    cut: u64,
    /// Connections of an earlier generation are lost silently: no data passes, and neither side is informed.
    silent: u64,
    /// The next commit reaches the server, and its answer is lost with the connection.
    cuts_commit: bool,
}

impl Proxy {
    /// A proxy in front of the database at `url`.
    pub(crate) async fn before(url: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut url = Url::parse(url).unwrap();
        let server = (url.host_str().unwrap().to_owned(), url.port().unwrap());
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let (weather, cut) = (watch::Sender::new(Weather::default()), Arc::<Notify>::default());
        let (mut task, own, was_cut) = (JoinSet::new(), weather.clone(), cut.clone());
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((&*server.0, server.1)).await.unwrap();
                connections.spawn(carry(client, server, own.clone(), was_cut.clone()));
            }
        });
        Self { url: url.into(), weather, cut, _task: task }
    }

    /// Lets the next commit succeed and loses its answer. `during` must commit.
    pub(crate) async fn cuts_a_commit<T>(&self, during: impl Future<Output = T>) -> T {
        self.weather.send_modify(|weather| weather.cuts_commit = true);
        tokio::join!(during, self.cut.notified()).0
    }

    /// Cuts all connections, whatever they are doing.
    pub(crate) fn cuts_all(&self) {
        self.weather.send_modify(|weather| {
            weather.age += 1;
            weather.cut = weather.age;
        });
    }

    /// Loses all connections silently, including new ones.
    pub(crate) fn falls_silent(&self) {
        self.weather.send_modify(|weather| weather.silent = u64::MAX);
    }

    /// New connections work again. Lost ones stay lost.
    pub(crate) fn speaks_again(&self) {
        self.weather.send_modify(|weather| {
            weather.age += 1;
            weather.silent = weather.age;
        });
    }
}

/// The time zone of the tenant whose commits can be cut. Nothing else is called like this.
pub(crate) const ZONE: &str = "Antarctica/Troll";

/// Copies data in both directions until one side closes, or until the connection is to be cut.
async fn carry(mut client: TcpStream, mut server: TcpStream, weather: watch::Sender<Weather>, cut: Arc<Notify>) {
    let age = weather.borrow().age;
    let mut changes = weather.subscribe();
    // Both connections stay open as long as this value exists, even if no data passes.
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_last = false;
    loop {
        tokio::select! {
            biased;
            is_silent = ends(&mut changes, age) => if is_silent { pending().await } else { return },
            read = from_client.read(&mut request) => {
                let Ok(length @ 1..) = read else { return };
                is_last = is_append(&request[..length]) && takes(&weather);
                if to_server.write_all(&request[..length]).await.is_err() {
                    return;
                }
            }
            read = from_server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                if is_last {
                    return cut.notify_one();
                }
                if to_client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Whether a request appends notifications: only this statement names the time zone. It is a transaction of its own.
fn is_append(request: &[u8]) -> bool {
    request.windows(ZONE.len()).any(|part| part == ZONE.as_bytes())
}

/// Waits until connections of this generation are cut or fall silent. Returns whether they fall silent.
async fn ends(changes: &mut Receiver<Weather>, age: u64) -> bool {
    let weather = changes.wait_for(|weather| weather.silent > age || weather.cut > age).await;
    weather.is_ok_and(|weather| weather.silent > age)
}

/// Whether this commit is the one to be cut.
fn takes(weather: &watch::Sender<Weather>) -> bool {
    weather.send_if_modified(|weather| std::mem::take(&mut weather.cuts_commit))
}
