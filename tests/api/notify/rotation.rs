//! Secrets are renewed under load, and no valid request is rejected: the new secret becomes active beside the old one,
//! the senders switch to it, and the old one is removed.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use harness::{Answer, Client, Database, TestServer, both, eventually, sqlite};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinSet};

use super::authentication::{
    Shown::{self, First, Second},
    Way::{self, Basic, Bearer, Path, Signature},
    posts,
};

both!(path_signature_and_basic_are_renewed_under_load, bearer_is_renewed_under_load);
sqlite!(api_tokens_are_renewed_under_load);

/// Number of concurrent senders.
const SENDERS: usize = 6;

async fn path_signature_and_basic_are_renewed_under_load(database: &Database) {
    renewed_under_load(database, &[Path, Signature, Basic]).await;
}

async fn bearer_is_renewed_under_load(database: &Database) {
    renewed_under_load(database, &[Bearer]).await;
}

async fn renewed_under_load(database: &Database, ways: &'static [Way]) {
    let files = SecretFiles::new();
    let mut server = TestServer::on(database);
    for way in ways {
        let (name, [old, _]) = way.setting();
        files.hold(name, &[old]);
        server = server.with(&format!("{name}_file"), &files.path(name));
    }
    let server = server.start().await;
    let client = server.client();
    let load = Load::begin(move |shown, n| {
        let client = client.clone();
        async move {
            let shows: Vec<_> = ways.iter().map(|way| (*way, shown)).collect();
            posts(&client, &format!("{shown:?}-{n}"), &shows).await
        }
    });
    // A check whether a secret is active yet must not throttle other clients, so it needs no other address.
    let status = async |shown: Shown| {
        let shows: Vec<_> = ways.iter().map(|way| (*way, shown)).collect();
        posts(&server, "probe", &shows).await.status
    };
    let put = |which: fn([&'static str; 2]) -> Vec<&'static str>| {
        for (name, secrets) in ways.iter().map(|way| way.setting()) {
            files.hold(name, &which(secrets));
        }
    };
    load.goes_on().await;
    put(|secrets| secrets.to_vec());
    eventually("the new secrets to be active", async || (status(Second).await == 200).then_some(())).await;
    load.shows(Second).await;
    // The operator sees that the old secret is not used any more.
    let old = async || {
        let name = format!("receiptd_notify_authenticated_total{{method=\"{}\",secret=\"1\"}}", ways[0].method());
        server.metric(&name).await
    };
    let before = old().await;
    load.goes_on().await;
    assert_eq!((old().await, before > 0), (before, true));
    put(|[_, new]| vec![new]);
    eventually("the old secrets to be gone", async || (status(First).await == 401).then_some(())).await;
    load.goes_on().await;
    load.ends().await;
    server.stop().await;
}

async fn api_tokens_are_renewed_under_load(database: &Database) {
    const OPS: &str = "ops:read+metrics:0ps-s3cret";
    let (old, new) = ("shop:read:sh0p-0ld", "shop:read:sh0p-n3w");
    let files = SecretFiles::new();
    files.hold("tokens", &[OPS, old]);
    let server = TestServer::on(database).with("api.tokens_file", &files.path("tokens")).start().await;
    let caller = |client: &Client, shown| client.with_token(if shown == First { "sh0p-0ld" } else { "sh0p-n3w" });
    let client = server.client();
    let load = Load::begin(move |shown, _| {
        let caller = caller(&client, shown);
        async move { caller.gets("/v1/messages?limit=1").await }
    });
    let status = async |shown| caller(&server, shown).gets("/v1/messages").await.status;
    load.goes_on().await;
    files.hold("tokens", &[old, new, OPS]);
    eventually("the new token to be active", async || (status(Second).await == 200).then_some(())).await;
    load.shows(Second).await;
    let ops = server.with_token("0ps-s3cret");
    let first = "receiptd_api_authenticated_total{secret=\"1\",token=\"shop\"}";
    let before = ops.metric(first).await;
    load.goes_on().await;
    assert_eq!((ops.metric(first).await, before > 0), (before, true));
    assert!(ops.metric(&first.replace('1', "2")).await > 0);
    files.hold("tokens", &[new, OPS]);
    eventually("the old token to be gone", async || (status(First).await == 401).then_some(())).await;
    load.goes_on().await;
    load.ends().await;
    server.stop().await;
}

/// Senders that send one request after the other. None of them may be rejected.
struct Load {
    shown: watch::Sender<Option<Shown>>,
    /// The number of answered requests of each sender.
    answered: Arc<[AtomicUsize; SENDERS]>,
    senders: JoinSet<()>,
}

impl Load {
    fn begin<F: Future<Output = Answer> + Send>(request: impl Fn(Shown, usize) -> F + Send + Clone + 'static) -> Self {
        let (shown, showing) = watch::channel(Some(First));
        let answered: Arc<[AtomicUsize; SENDERS]> = Arc::default();
        let mut senders = JoinSet::new();
        for sender in 0..SENDERS {
            let (request, showing, answered) = (request.clone(), showing.clone(), answered.clone());
            senders.spawn(async move {
                let count = &answered[sender];
                loop {
                    let Some(shown) = *showing.borrow() else { return };
                    let n = count.load(SeqCst) * SENDERS + sender;
                    request(shown, n).await.is(200);
                    count.fetch_add(1, SeqCst);
                }
            });
        }
        Self { shown, answered, senders }
    }

    /// Every sender has had two more answers, so its current request was sent after this call.
    async fn goes_on(&self) {
        let counts = || self.answered.iter().map(|count| count.load(SeqCst)).collect::<Vec<_>>();
        let before = counts();
        let all = async || counts().iter().zip(&before).all(|(now, before)| *now > before + 1).then_some(());
        eventually("every sender to be answered", all).await;
    }

    /// Changes the secret that the senders use. Returns when no request with the other one is open.
    async fn shows(&self, shown: Shown) {
        self.shown.send_replace(Some(shown));
        self.goes_on().await;
    }

    async fn ends(mut self) {
        self.shown.send_replace(None);
        while let Some(sender) = self.senders.join_next().await {
            sender.unwrap();
        }
    }
}

/// Files that are renewed by renaming, as they should be.
struct SecretFiles(TempDir);

impl SecretFiles {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn hold(&self, name: &str, secrets: &[&str]) {
        let next = self.path("next");
        fs::write(&next, secrets.join("\n")).unwrap();
        fs::rename(next, self.path(name)).unwrap();
    }
}
