//! Least privilege on Postgres: an owner, a server and a reader, with the privileges that docs/postgres.md grants them.

use harness::{notifications_of, put};
use receiptd::{
    clock::Clock,
    domain::{Actor, AuditFilter, PageLimit, Person, StatsRequest},
    maintenance::Eraser,
    storage::{self, Access, OpenError, OpenOptions, RetentionKind, Schema, Store},
};

use crate::{
    make::{about, claimed, enqueue, id, submission, time},
    next,
    store::{Database, OPTIONS, TestStore, administer},
};

only!(
    postgres in postgres: a_server_needs_no_privilege_to_change_the_schema,
    a_reader_needs_only_to_select,
    a_missing_privilege_is_named,
    an_encoding_that_cannot_store_every_text_is_refused,
    a_connection_limit_is_respected,
);

/// A role for a single test.
struct Role {
    name: String,
    url: String,
}

impl Role {
    async fn new(store: &TestStore, kind: &str) -> Self {
        let Database::Postgres { url, name: database } = &store.database else { panic!("a test of Postgres") };
        let name = format!("{kind}_{database}");
        administer(format!("CREATE ROLE {name} LOGIN PASSWORD 'of-a-test'")).await;
        let (host, rest) = url.split_once("://").unwrap().1.split_once('/').unwrap();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        Self { url: format!("postgres://{name}:of-a-test@{host}/{rest}"), name }
    }

    /// Grants the privileges of docs/postgres.md, in whose statements the roles are named.
    async fn granted(store: &TestStore, kind: &str) -> Self {
        let role = Self::new(store, kind).await;
        let guide = include_str!("../../docs/postgres.md");
        let grants = guide.split("```sql").nth(1).unwrap().split("```").next().unwrap();
        let of_role = grants.split(';').map(str::trim).filter(|grant| grant.ends_with(&format!("TO receiptd_{kind}")));
        let of_role: Vec<_> = of_role.map(|grant| grant.replace(&format!("receiptd_{kind}"), &role.name)).collect();
        assert!(!of_role.is_empty(), "docs/postgres.md grants nothing to receiptd_{kind}");
        for grant in of_role {
            // Default privileges apply to objects that a certain role creates later.
            store.execute(grant.replace(" FOR ROLE receiptd_owner", "")).await;
        }
        role
    }

    async fn opens(&self, access: Access) -> Result<Store, OpenError> {
        storage::open(&self.url, OpenOptions { access, ..OPTIONS }).await
    }

    async fn is_refused(&self, access: Access) -> OpenError {
        self.is_refused_with(Schema::CURRENT, access).await
    }

    async fn is_refused_with(&self, schema: Schema, access: Access) -> OpenError {
        let options = OpenOptions { access, ..OPTIONS };
        let Err(error) = schema.open(&self.url, options).await else { panic!("opened for {access:?}") };
        // The check without changes refuses the same with the same error, but it changes nothing.
        if !matches!(error, OpenError::MayNotMigrate) {
            let probed = schema.probe(&self.url, options).await.unwrap_err();
            assert_eq!(probed.to_string(), error.to_string());
        }
        error
    }

    async fn leaves(self, store: &TestStore) {
        store.execute(format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name)).await;
    }
}

async fn a_server_needs_no_privilege_to_change_the_schema(store: &TestStore) {
    let role = Role::granted(store, "server").await;
    // As `serve` does by default, if nothing must be changed.
    for access in [Access::Write, Access::Create] {
        let server = role.opens(access).await.unwrap();
        put(&server, &[about("order-1").of("t-1").into()]).await.unwrap();
        enqueue(&server, &submission(&format!("sent-{access:?}")), 100).await;
        claimed(&server, 110).await;
        server.health.beat(time(1)).await.unwrap();
        assert!(server.messages.find(&id("order-1")).await.unwrap().is_some());
        server.status_events.trim(time(i64::MAX / 2), PageLimit::default()).await.unwrap();
        server.health.close().await;
    }
    let error = role.is_refused_with(next::schema(), Access::Create).await;
    assert!(matches!(error, OpenError::MayNotMigrate), "{error:?}");
    assert!(matches!(role.is_refused_with(next::schema(), Access::Write).await, OpenError::Older { .. }));
    role.leaves(store).await;
}

async fn a_reader_needs_only_to_select(store: &TestStore) {
    store.hear([about("order-1").to("447700900123")]).await;
    let role = Role::granted(store, "reader").await;
    let reader = role.opens(Access::Read).await.unwrap();
    assert!(reader.messages.find(&id("order-1")).await.unwrap().is_some());
    assert_eq!(notifications_of(&reader, &id("order-1")).await.unwrap().len(), 1);
    reader.messages.stats(&StatsRequest::default()).await.unwrap();
    reader.quarantine.list(None, PageLimit::default()).await.unwrap();
    reader.audit_log.list(&AuditFilter::default(), None, PageLimit::default()).await.unwrap();
    let end = reader.status_events.end().await.unwrap();
    reader.status_events.after(end, PageLimit::default()).await.unwrap();
    // The reads of dry runs: of rebuild, of purge, and of erase.
    assert_eq!(reader.repair.preview_recompute(&[id("order-1")], &|_| None).await.unwrap(), []);
    assert_eq!(reader.retention.old(RetentionKind::Messages, time(0)).await.unwrap(), 0);
    let (eraser, person) = (Eraser::new(&reader, Clock::system()), Person::new("447700900123").unwrap());
    assert_eq!(eraser.erase(&person, &Actor::server(), true).await.unwrap().notifications, 1);
    assert!(put(&reader, &[about("order-2").into()]).await.is_err());
    reader.health.close().await;
    let error = role.is_refused(Access::Write).await;
    assert!(matches!(&error, OpenError::NotGranted { role: named, .. } if *named == role.name), "{error:?}");
    role.leaves(store).await;
}

async fn a_missing_privilege_is_named(store: &TestStore) {
    let role = Role::granted(store, "server").await;
    for (revoked, named) in [
        ("DELETE ON notifications", "delete on the table notifications"),
        ("SELECT ON messages", "select on the table messages"),
        ("SELECT ON _sqlx_migrations", "read the table _sqlx_migrations"),
    ] {
        store.execute(format!("REVOKE {revoked} FROM {}", role.name)).await;
        let error = role.is_refused(Access::Write).await.to_string();
        assert!(error.contains(named) && error.contains(&role.name), "{error}");
        store.execute(format!("GRANT {revoked} TO {}", role.name)).await;
    }
    role.opens(Access::Write).await.unwrap().health.close().await;
    role.leaves(store).await;
    let nobody = Role::new(store, "nobody").await;
    store.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC").await;
    let error = nobody.is_refused(Access::Read).await.to_string();
    assert!(error.contains("use the schema public"), "{error}");
    nobody.leaves(store).await;
}

async fn an_encoding_that_cannot_store_every_text_is_refused(store: &TestStore) {
    let Database::Postgres { url, name } = &store.database else { panic!("a test of Postgres") };
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let other = format!("{name}_{}", encoding.to_lowercase());
        let made =
            format!("CREATE DATABASE {other} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
        administer(made).await;
        for access in [Access::Read, Access::Write, Access::Create] {
            let options = OpenOptions { access, ..OPTIONS };
            let Err(error) = storage::open(&url.replace(name, &other), options).await else { panic!("{encoding}") };
            assert!(matches!(&error, OpenError::Encoding(found) if found == encoding), "{error:?}");
        }
        administer(format!("DROP DATABASE {other} WITH (FORCE)")).await;
    }
}

/// The server would refuse further connections, and the pool would wait for them in vain.
async fn a_connection_limit_is_respected(store: &TestStore) {
    let role = Role::granted(store, "server").await;
    store.execute(format!("ALTER ROLE {} CONNECTION LIMIT 1", role.name)).await;
    let server = role.opens(Access::Write).await.unwrap();
    let names: Vec<_> = (0..8).map(|n| format!("order-{n}")).collect();
    let appends = names.iter().map(|name| {
        let server = &server;
        async move { put(server, &[about(name).into()]).await }
    });
    for appended in futures_util::future::join_all(appends).await {
        appended.unwrap();
    }
    server.health.close().await;
    role.leaves(store).await;
}
