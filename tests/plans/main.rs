//! With a million messages in the store, no statement reads a whole table. The test checks the databases' own plans of
//! all statements, on both.
//!
//! Each statement is the one that receiptd runs, with its real values. Postgres explains it while it runs
//! (`auto_explain`), and also reports how many rows were read. SQLite is asked afterwards.
//!
//! | File | Contents |
//! | --- | --- |
//! | `million` | the messages |
//! | `overheard` | the log lines of the databases and of sqlx |

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod million;
mod overheard;

use std::{future::Future, time::Duration};

use receiptd::{
    domain::{Channel, CorrelationId, Cursor, Cutoffs, ListRequest, StatsRequest, Timestamp, TransactionId},
    storage::{self, Access, OpenOptions, Store},
};

/// The query of a list, and the index that leads to it on SQLite.
const LISTS: [(&str, &str); 36] = [
    ("", "messages_newest"),
    ("status=failed", "messages_status"),
    ("status=clicked", "messages_status"),
    ("status=unconfirmed", "messages_status"),
    ("final=false", "messages_status"),
    ("final=true", "messages_status"),
    ("overdue=true", "messages_status"),
    ("overdue=false", "messages_newest"),
    ("failure=permanent", "messages_failure"),
    ("failure=unclear", "messages_failure"),
    ("channel=sms", "messages_channel"),
    ("channel=voice", "messages_channel"),
    ("channel=apple", "messages_channel"),
    ("channel=pigeon", "messages_channel"),
    ("to=%2B44770000777", "messages_recipient"),
    ("code=7500", "messages_code"),
    ("code=7299", "messages_code"),
    ("code=0", "messages_code"),
    ("callbackData=shop-777", "messages_callback"),
    ("callbackData=shop-7777*", "messages_callback"),
    ("callbackData=shop*", "messages_newest"),
    ("correlationId=order-0000777", "sqlite_autoindex_messages_1"),
    ("correlationId=order-00007*", "sqlite_autoindex_messages_1"),
    ("correlationId=order*", "messages_newest"),
    ("transactionId=t-777", "sqlite_autoindex_messages_1"),
    ("origin=sent", "messages_sent"),
    ("from=ACME", "messages_sent"),
    ("from=Rare", "messages_sent"),
    ("origin=observed", "messages_observed"),
    ("channel=sms&status=read", "messages_channel"),
    ("channel=voice&final=false", "messages_channel"),
    ("channel=apple&overdue=true", "messages_channel"),
    ("channel=sms&code=7203", "messages_code"),
    ("status=failed&origin=observed", "messages_status"),
    ("since=2026-01-02T00:00:00Z&until=2026-01-03T00:00:00Z", "messages_newest"),
    ("status=failed&since=2026-01-02T00:00:00Z&until=2026-01-03T00:00:00Z", "messages_status"),
];

/// Maximum number of messages, of a million, that may be read for a page of 50.
const LOOKED_AT: f64 = 2_500.0;

fn run(test: impl Future<Output = ()>) {
    overheard::listen();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

async fn open(url: &str) -> Store {
    let options = OpenOptions { connections: 1, timeout: Duration::from_secs(30), access: Access::Create };
    storage::open(url, options).await.unwrap()
}

fn request(query: &str) -> ListRequest {
    let cutoffs = Cutoffs {
        by_channel: [(Channel::Apple, million::at(900_000)), (Channel::Voice, million::at(999_000))].into(),
        other: million::at(500_000),
    };
    let query = query.replace("%2B", "+");
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    ListRequest::parse(pairs, &cutoffs).unwrap()
}

/// All other look-ups.
async fn look_up(store: &Store) {
    let id = CorrelationId::new("order-0000777").unwrap();
    store.messages.find(&id).await.unwrap().unwrap();
    store.messages.notifications_without_bodies(&id).await.unwrap();
    store.messages.notifications_page(&id, None, receiptd::domain::PageLimit::default()).await.unwrap();
    store.messages.owner(&TransactionId::new("t-777").unwrap()).await.unwrap().unwrap();
    store.messages.stats(&StatsRequest::default()).await.unwrap();
    let page = Some(Cursor { at: Timestamp::from_micros(7), id: String::new() });
    store.inbound.list(page.as_ref(), receiptd::domain::PageLimit::default()).await.unwrap();
    store.quarantine.list(page.as_ref(), receiptd::domain::PageLimit::default()).await.unwrap();
}

/// The first page, and one in the middle of the list.
async fn list(store: &Store, query: &str) {
    let request = request(query);
    let page = store.messages.list(&request.filter, None, request.limit).await.unwrap();
    assert!(page.items.len() <= 50);
    let middle = Cursor { at: million::at(500_000), id: "order-0500000".to_owned() };
    store.messages.list(&request.filter, Some(&middle), request.limit).await.unwrap();
}

#[test]
fn sqlite_never_reads_a_whole_table() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/receiptd.db", folder.path().display());
        let store = open(&url).await;
        million::into_sqlite(&url).await;
        heard(&store).await;
        for (query, index) in LISTS {
            list(&store, query).await;
            let statements = heard(&store).await;
            assert!(statements.len() >= 2, "{query:?}: the statements were not reported");
            for statement in statements {
                let plan = million::plan(&url, &statement).await;
                assert!(plan.iter().all(|step| !reads_everything(step)), "{query:?}: {plan:#?}\n{statement}");
                // The matches of a prefix are counted first, up to the number that matters.
                if statement.starts_with("SELECT COUNT(*)") {
                    continue;
                }
                let leads = plan.iter().any(|step| step.contains(&format!("INDEX {index} (")));
                assert!(leads, "{query:?} does not use {index}: {plan:#?}\n{statement}");
            }
        }
        look_up(&store).await;
        let statements = heard(&store).await;
        assert!(statements.len() >= 6, "{statements:#?}");
        for statement in statements.iter().filter(|statement| !statement.contains("FROM counters")) {
            let plan = million::plan(&url, statement).await;
            assert!(plan.iter().all(|step| !reads_everything(step)), "{plan:#?}\n{statement}");
        }
    });
}

/// The statements that ran since the last call, in order. They are reported with a delay, so one more statement is run
/// and waited for.
async fn heard(store: &Store) -> Vec<String> {
    store.messages.dispatch_events(&CorrelationId::new("the last").unwrap()).await.unwrap();
    loop {
        if let Some(statements) = overheard::statements_before("FROM dispatch_events") {
            return statements;
        }
        tokio::task::yield_now().await;
    }
}

/// A scan of a page, or of the result of one access path, reads some fifty rows.
fn reads_everything(step: &str) -> bool {
    step.starts_with("SCAN ") && !["page", "path", "few"].iter().any(|small| step["SCAN ".len()..].starts_with(small))
}

#[test]
fn postgres_never_reads_a_whole_table() {
    run(async {
        let name = format!("receiptd_plans_{}", uuid::Uuid::new_v4().simple());
        let server = temporary_postgres::Server::shared().unwrap();
        million::on_postgres(&server.url("postgres"), format!("CREATE DATABASE {name}")).await;
        let url = server.url(&name);
        drop(open(&url).await);
        million::into_postgres(&url).await;
        let store = open(&overheard::explaining(&url)).await;
        for (query, _) in LISTS {
            overheard::plans();
            list(&store, query).await;
            assert_no_scan(query, 2);
        }
        overheard::plans();
        look_up(&store).await;
        assert_no_scan("look-up", 6);
        drop(store);
        million::on_postgres(&server.url("postgres"), format!("DROP DATABASE {name} WITH (FORCE)")).await;
    });
}

fn assert_no_scan(what: &str, least: usize) {
    let plans = overheard::plans();
    assert!(plans.len() >= least, "{what:?}: only {} plans were reported", plans.len());
    for plan in plans {
        assert!(plan.scanned.is_empty(), "{what:?} reads the whole of {:?}: {:#}", plan.scanned, plan.whole);
        assert!(plan.looked_at <= LOOKED_AT, "{what:?} looks at {} messages: {:#}", plan.looked_at, plan.whole);
    }
}
