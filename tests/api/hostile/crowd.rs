//! Very many connections that do nothing: others are served, little memory is used, and idle connections are closed.

use std::net::SocketAddr;

use harness::{Client, Database, Program, Sample, eventually, free_address, sqlite};
use tokio::{net::TcpStream, task::JoinSet};

sqlite!(ten_thousand_idle_connections_do_not_affect_others, the_store_works_when_connections_have_taken_all_files);

const IDLE: usize = 10_000;
/// Number of connections opened at the same time.
const AT_ONCE: usize = 200;
const MEGABYTES: u64 = 200;

async fn ten_thousand_idle_connections_do_not_affect_others(database: &Database) {
    // The server takes as many connections as three eighths of its open files.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let idle = IDLE.min(usize::try_from(limit * 3 / 8).unwrap().saturating_sub(500));
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

async fn the_store_works_when_connections_have_taken_all_files(database: &Database) {
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let settings = [("RECEIPTD_DATABASE_URL", database.url()), ("RECEIPTD_HTTP__CONNECTIONS_PER_ADDRESS", "20000")];
    let (program, client) = Program::serve_with_files(256, folder.path(), address, &settings).await;
    // Those that are refused may notice it at once.
    let crowd: JoinSet<_> = (0..300).map(|_| TcpStream::connect(address)).collect();
    let crowd = crowd.join_all().await;
    let is_full = async || program.logged().contains("too many are open;").then_some(());
    eventually("connections to be refused", is_full).await;
    assert!(program.sockets() < 256 / 4 * 3 + 20, "{} sockets", program.sockets());
    // Their connection is older than the crowd.
    client.posts(Sample::of("among")).await.is_acknowledged();
    assert_eq!(client.ids("?limit=500").await, ["among"]);
    drop(crowd);
    eventually("a new client to be served", async || {
        (Client::of(format!("http://{address}")).tries(Sample::of("after")).await == Some(200)).then_some(())
    })
    .await;
    assert_eq!(program.ends_on("TERM").await.code, Some(0));
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}
