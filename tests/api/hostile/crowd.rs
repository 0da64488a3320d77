//! Ten thousand connections that do nothing: others are served, little memory is used, and idle connections are closed.

use std::net::SocketAddr;

use harness::{Database, Program, Sample, eventually, free_address, sqlite};
use tokio::{net::TcpStream, task::JoinSet};

sqlite!(ten_thousand_idle_connections_do_not_affect_others);

const IDLE: usize = 10_000;
/// Number of connections opened at the same time.
const AT_ONCE: usize = 200;
const MEGABYTES: u64 = 200;

async fn ten_thousand_idle_connections_do_not_affect_others(database: &Database) {
    // Both ends also have some other files open.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let idle = IDLE.min(usize::try_from(limit.saturating_sub(500)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let settings = [("RECEIPTD_DATABASE_URL", database.url()), ("RECEIPTD_HTTP__CONNECTIONS_PER_ADDRESS", "20000")];
    let (program, client) = Program::serve(folder.path(), address, &settings).await;
    client.posts(Sample::of("before")).await.is_acknowledged();
    let before = program.resident();
    let mut crowd = Vec::with_capacity(idle);
    while crowd.len() < idle {
        let more: JoinSet<_> = (0..AT_ONCE.min(idle - crowd.len())).map(|_| connect(address)).collect();
        crowd.extend(more.join_all().await);
    }
    // Each connection was accepted, since another one is served while all of them are open.
    for n in 0..20 {
        client.posts(Sample::of(&format!("among-{n}"))).await.is_acknowledged();
    }
    let grown = program.resident().saturating_sub(before);
    assert!(grown < MEGABYTES << 20, "{} MB for {idle} connections", grown >> 20);
    // No client sends anything, so all connections are closed, and the server holds none.
    eventually("the idle ones to be closed", async || (program.sockets() < 100).then_some(())).await;
    client.posts(Sample::of("after")).await.is_acknowledged();
    assert_eq!(client.ids("?limit=500").await.len(), 22);
    drop(crowd);
    assert_eq!(program.ends_on("TERM").await.code, Some(0));
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}
