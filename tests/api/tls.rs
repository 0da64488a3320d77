//! HTTPS: both versions of HTTP, and certificates that are replaced during operation.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use harness::{
    Client, Database, Follower, Sample, TestServer, both,
    certificates::{Authority, Files, Pair},
    eventually, sqlite,
};
use reqwest::{
    ClientBuilder, Method, Version,
    tls::{self, TlsInfo},
};
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, pem::PemObject},
};
use tempfile::TempDir;
use tokio::task::JoinSet;

both!(a_certificate_is_replaced_under_load_and_no_request_fails);
sqlite!(
    both_versions_of_http_are_spoken,
    a_connection_without_tls_gets_no_answer,
    a_shutdown_closes_idle_connections_and_answers_open_requests,
);

/// The protocol of a client.
type Kind = fn(ClientBuilder) -> ClientBuilder;

const HTTP_1: Kind = ClientBuilder::http1_only;
const HTTP_2: Kind = ClientBuilder::http2_prior_knowledge;

/// The current certificate in its files.
struct Held {
    authority: Authority,
    pair: Pair,
    files: Files,
    _folder: TempDir,
}

impl Held {
    fn new() -> Self {
        let (folder, authority) = (TempDir::new().unwrap(), Authority::new());
        let pair = authority.issues(2091);
        Self { files: Files::of(&pair, folder.path()), authority, pair, _folder: folder }
    }
}

async fn both_versions_of_http_are_spoken(database: &Database) {
    let held = Held::new();
    let server = TestServer::on(database).with("notify.body_limit_bytes", "2000");
    let server = server.over_tls(&held.files, &held.authority).start().await;
    let old: Kind = |builder| HTTP_1(builder).tls_version_max(tls::Version::TLS_1_2);
    for (n, (kind, version)) in
        [(HTTP_1, Version::HTTP_11), (HTTP_2, Version::HTTP_2), (old, Version::HTTP_11)].into_iter().enumerate()
    {
        let (client, id) = (server.client_with(kind), format!("order-{n}"));
        let answer = client.request(Method::GET, "/health/ready").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        let mut follower = Follower::of(&client, "").await;
        client.posts(Sample::of(&id)).await.is_acknowledged();
        assert_eq!(follower.next().await.unwrap()["correlationId"], id);
        assert_eq!(client.message(&id).await["status"], "delivered");
        client.posts("x".repeat(200_000)).await.is_problem(413, "body-too-large");
        client.gets("/v1/messages/none").await.is_problem(404, "not-found");
    }
    // A client that supports both gets the newer version.
    let answer = server.client().request(Method::GET, "/health/live").send().await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    assert_eq!(server.metric("receiptd_tls_certificate_not_after_seconds").await, 3_818_448_000);
    server.stop().await;
}

async fn a_connection_without_tls_gets_no_answer(database: &Database) {
    let held = Held::new();
    let server = TestServer::on(database).over_tls(&held.files, &held.authority).start().await;
    let in_the_clear = Client::of(format!("http://{}", server.address));
    assert!(!in_the_clear.is_answered().await);
    let stranger = Client::with(format!("https://{}", server.address), Some(&Authority::new().pem()), HTTP_1);
    assert!(!stranger.is_answered().await, "the test does not check certificates");
    server.gets("/health/live").await.is(200);
    let server = server.stopped().await.in_the_clear().start().await;
    assert_eq!(server.metric("receiptd_tls_certificate_not_after_seconds").await, 0);
    assert!(!server.gets("/metrics").await.body.contains("tls_certificate"));
    server.stop().await;
}

async fn a_shutdown_closes_idle_connections_and_answers_open_requests(database: &Database) {
    let held = Held::new();
    let mut server = TestServer::on(database).over_tls(&held.files, &held.authority).start().await;
    let clients = [HTTP_1, HTTP_2].map(|kind| server.client_with(kind));
    for client in &clients {
        client.posts(Sample::of("order-1").says("Submitted", "7501")).await.is_acknowledged();
    }
    let [_, busy] = [HTTP_1, HTTP_2].map(|kind| server.client_with(kind));
    let mut follower = Follower::of(&busy, "").await;
    let waiting = |_| {
        let client = busy.clone();
        tokio::spawn(async move { client.gets("/v1/messages/order-1?wait=final&timeout=60").await })
    };
    let waiting: Vec<_> = (0..3).map(waiting).collect();
    // Requests that came later and wait for less are answered by now, so the server has the others too.
    busy.gets("/v1/messages/order-1?wait=final&timeout=1").await;
    let began = Instant::now();
    server.begins_to_stop();
    for answer in waiting {
        assert_eq!(answer.await.unwrap().is(200).json()["status"], "submitted");
    }
    assert_eq!(follower.next().await, None);
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    drop(clients);
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// A client that remembers nothing of earlier connections, so that each connection shows the current certificate.
fn forgetful(server: &TestServer, authority: &Authority, protocol: &str) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(der(&authority.pem())).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let kind = if protocol == "h2" { HTTP_2 } else { HTTP_1 };
    let base = format!("https://{}", server.address);
    Client::with(base, None, |builder| kind(builder).tls_backend_preconfigured(config).tls_info(true))
}

/// The certificate that the server presented when this client connected.
async fn shown(client: &Client) -> CertificateDer<'static> {
    let answer = client.request(Method::GET, "/health/live").send().await.unwrap();
    answer.extensions().get::<TlsInfo>().unwrap().peer_certificate().unwrap().to_vec().into()
}

async fn a_certificate_is_replaced_under_load_and_no_request_fails(database: &Database) {
    let held = Held::new();
    let server = TestServer::on(database).over_tls(&held.files, &held.authority).start().await;
    let forgetful = |protocol| forgetful(&server, &held.authority, protocol);
    // With one connection for all requests, and with one for each.
    let lasting = ["http/1.1", "h2"].map(forgetful);
    let fleeting = [HTTP_1, HTTP_2].map(|kind| server.client_with(|builder| kind(builder).pool_max_idle_per_host(0)));
    for client in &lasting {
        assert!(shown(client).await == der(&held.pair.certificate));
    }
    let (done, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut posters = JoinSet::new();
    for (n, client) in lasting.iter().chain(&fleeting).cloned().enumerate() {
        let (done, over) = (done.clone(), over.clone());
        posters.spawn(async move {
            for at in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                client.posts(Sample::of(&format!("order-{n}-{at}"))).await.is_acknowledged();
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let more = async || {
        let before = done.load(Ordering::Relaxed);
        eventually("some more requests", async || (done.load(Ordering::Relaxed) > before + 40).then_some(())).await;
    };
    for year in 2092..2094 {
        let next = held.authority.issues(year);
        // First one half of the pair, for a while.
        fs::write(&held.files.certificate, &next.certificate).unwrap();
        more().await;
        held.files.become_those_of(&next);
        let is_shown = async || (shown(&forgetful("h2")).await == der(&next.certificate)).then_some(());
        eventually("the next certificate", is_shown).await;
        more().await;
    }
    fs::write(&held.files.key, "damaged").unwrap();
    more().await;
    over.store(true, Ordering::Relaxed);
    posters.join_all().await;
    for client in &lasting {
        assert!(shown(client).await == der(&held.pair.certificate), "its connection did not keep the certificate");
    }
    server.stop().await;
    let kept = database.texts("SELECT correlation_id FROM notifications WHERE occurrences = 1").await;
    assert_eq!(kept.len() as u64, done.load(Ordering::Relaxed));
}
