//! Backups made under load, and restored databases.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use harness::{
    Client, Sample,
    database::{Database, block_on, on_postgres, on_sqlite},
    eventually, notifications_of,
    program::receiptd,
    sms,
};
use receiptd::{
    domain::CorrelationId,
    storage::{self, Access, OpenOptions},
};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinSet;

use super::{Server, ends, folder, run, serve};

/// The ids of the messages whose notification was acknowledged.
type Ledger = Arc<Mutex<Vec<String>>>;

async fn post(name: usize, client: Client, ledger: Ledger) {
    for n in 0.. {
        let id = format!("order-{name}-{n}");
        // Some are posted twice, and one in three is posted again with an earlier body.
        let sample = Sample::of(&id);
        let sample = if n % 3 == 0 { sample.says("Submitted", "7501") } else { sample };
        for _ in 0..=n % 2 {
            client.posts(sample.clone()).await.is_acknowledged();
        }
        ledger.lock().unwrap().push(id);
    }
}

pub(crate) async fn execute(file: &Path, statement: &'static str) {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[test]
fn a_backup_under_load_contains_everything_acknowledged() {
    block_on(async {
        let server = serve(&[]).await;
        let ledger = Ledger::default();
        let mut posters = JoinSet::new();
        for name in 0..8 {
            posters.spawn(post(name, server.client.clone(), ledger.clone()));
        }
        let acknowledged = |count: usize| {
            let ledger = ledger.clone();
            async move || (ledger.lock().unwrap().len() > count).then_some(())
        };
        eventually("some to be acknowledged", acknowledged(200)).await;
        let before = ledger.lock().unwrap().clone();
        let backup = run(server.folder.path(), &["backup", "copy.db", "--json"]).await.is(0).json();
        let bytes = fs::metadata(server.folder.path().join("copy.db")).unwrap().len();
        assert_eq!((&backup["file"], &backup["bytes"]), (&"copy.db".into(), &bytes.into()));
        let count = ledger.lock().unwrap().len();
        eventually("the server to go on", acknowledged(count + 50)).await;
        posters.shutdown().await;

        let there = folder();
        let copy = server.folder.path().join("copy.db");
        let restored = run(there.path(), &["restore", copy.to_str().unwrap(), "--json"]).await.is(0).json();
        assert!(restored["rows"].as_u64().unwrap() >= before.len() as u64, "{restored}");
        let options = OpenOptions { connections: 2, timeout: Duration::from_secs(10), access: Access::Migrate };
        let url = format!("sqlite://{}/receiptd.db", there.path().display());
        let store = storage::open(&url, options).await.unwrap();
        for id in before {
            let id = CorrelationId::new(&id).unwrap();
            let message = store.messages.find(&id).await.unwrap().unwrap_or_else(|| panic!("{id} is lost"));
            let notifications = notifications_of(&store, &id).await.unwrap();
            assert_eq!(notifications.len(), 1, "{id}");
            assert_eq!(message.status, notifications[0].standing().status, "{id}");
        }
        let head = restored["head"].as_str().unwrap();
        run(there.path(), &["audit", "verify", "--head", head]).await.is(0).prints(&["Verified: "]);
        server.program.ends_on("TERM").await.is(0);
    });
}

#[test]
fn a_backup_is_complete_or_absent() {
    block_on(async {
        let folder = folder();
        let backs_up = async |arguments: &[&str]| run(folder.path(), &[&["backup"], arguments].concat()).await;
        backs_up(&["copy.db"]).await.is(1).complains("there is no database at receiptd.db");
        run(folder.path(), &["migrate"]).await.is(0);
        backs_up(&["copy.db"]).await.is(0).prints(&["copy.db: "]);
        let made = fs::read(folder.path().join("copy.db")).unwrap();
        backs_up(&["copy.db"]).await.is(2).complains("copy.db exists already");
        assert_eq!(fs::read(folder.path().join("copy.db")).unwrap(), made);
        backs_up(&["none/copy.db"]).await.is(1).complains("cannot be written");
        backs_up(&["other.db", "--database-url", "postgres://localhost/x"]).await.is(2).complains("pg_dump");
        fs::write(folder.path().join("receiptd.db"), "no database, but long enough to be taken for one. ".repeat(99))
            .unwrap();
        backs_up(&["other.db"]).await.is(1).complains("receiptd.db cannot be opened: it is not an SQLite database");
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left: Vec<_> = left.filter(|name| name.contains("other") || name.contains("partial")).collect();
        assert_eq!(left, Vec::<String>::new(), "nothing is left behind");
    });
}

/// A server's folder, with one message that was notified, and one that waits to be sent.
async fn stopped() -> Server {
    let url = "http://127.0.0.1:9";
    let settings = [
        ("RECEIPTD_PUBLIC_URL", "http://127.0.0.1:9/notify"),
        ("RECEIPTD_WEBEX__BASE_URL", url),
        ("RECEIPTD_WEBEX__SERVICE_KEY", "a-key"),
    ];
    let server = serve(&settings).await;
    server.client.posts(Sample::of("heard")).await.is_acknowledged();
    // It is projected now, not only in the journal.
    server.client.message("heard").await;
    let mut later = sms("waiting", "Hello");
    later["sendAt"] = "2099-01-01T00:00:00Z".into();
    server.client.sends(&later).await.is(202);
    server
}

#[test]
fn a_restored_database_is_verified_and_sends_nothing_twice() {
    block_on(async {
        let server = stopped().await;
        let (folder, file) = (server.folder.path(), |name: &str| server.folder.path().join(name));
        let put_back = async |arguments: &[&str]| run(folder, &[&["restore"], arguments].concat()).await;
        let status = async |id: &str| run(folder, &["status", id, "--json"]).await.is(0).json()["status"].clone();
        run(folder, &["backup", "copy.db"]).await.is(0);
        server.client.posts(Sample::of("after")).await.is_acknowledged();

        put_back(&["copy.db"]).await.is(2).complains("receiptd.db exists already");
        put_back(&["copy.db", "--force"]).await.is(1).complains("receiptd.db is in use; stop the server first");
        put_back(&[]).await.is(2).complains("name the file of the backup");
        server.program.ends_on("TERM").await.is(0);
        assert!(!file("receiptd.db-wal").exists(), "a stopped database is one file");
        assert_eq!(status("after").await, "delivered");

        fs::copy(file("copy.db"), file("altered.db")).unwrap();
        execute(&file("altered.db"), "UPDATE notifications SET occurrences = 7").await;
        put_back(&["altered.db", "--force"]).await.is(1).complains("was altered");
        let mut pages = fs::read(file("copy.db")).unwrap();
        // A page of a table. Indexes are made anew in a copy.
        let body = b"delivered";
        let at = pages.windows(body.len()).position(|bytes| bytes == body).unwrap() / 4096 * 4096;
        pages[at..at + 4096].fill(0x5a);
        fs::write(file("damaged.db"), pages).unwrap();
        let damaged = put_back(&["damaged.db", "--force"]).await.is(1);
        assert!(damaged.err.contains("damaged") || damaged.err.contains("cannot be read"), "{damaged:?}");
        assert_eq!(status("after").await, "delivered", "a backup that does not verify is not restored");

        let shown = put_back(&["copy.db", "--force"]).await.is(0);
        shown.prints(&["restored: ", "head ", "1 messages were waiting to be sent", "the previous database is"]);
        run(folder, &["status", "after"]).await.is(1);
        assert_eq!(status("heard").await, "delivered");
        assert_eq!(status("waiting").await, "unconfirmed");
        run(folder, &["status", "waiting"]).await.is(0).prints(&["the message may have been dispatched since"]);
        run(folder, &["audit"]).await.is(0).prints(&["restored"]);
        run(folder, &["status", "after", "--database-url", "sqlite://receiptd.db.replaced"]).await.is(0);

        put_back(&["copy.db", "--force"]).await.is(2).complains("receiptd.db.replaced exists already");
        for part in ["", "-wal", "-shm"] {
            // Whether there is a log depends on which process read the database last.
            let _ = fs::remove_file(file(&format!("receiptd.db.replaced{part}")));
        }
        let again = put_back(&["copy.db", "--force", "--resend", "--json"]).await.is(0).json();
        assert_eq!((&again["unconfirmed"], &again["replaced"]), (&0.into(), &Value::from("receiptd.db.replaced")));
        assert_eq!(status("waiting").await, "queued");
    });
}

#[test]
fn a_backup_with_another_schema_is_not_restored() {
    block_on(async {
        let server = stopped().await;
        let (folder, file) = (server.folder.path(), |name: &str| server.folder.path().join(name));
        run(folder, &["backup", "copy.db"]).await.is(0);
        server.program.ends_on("TERM").await.is(0);
        for (statement, told) in [
            (
                "CREATE TRIGGER quiet AFTER INSERT ON audit_log BEGIN DELETE FROM audit_log; END",
                "the trigger \"quiet\" does not belong to receiptd",
            ),
            ("CREATE VIEW seen AS SELECT * FROM messages", "the view \"seen\" does not belong to receiptd"),
            ("CREATE TABLE extra (id INTEGER PRIMARY KEY)", "the table \"extra\" does not belong to receiptd"),
            ("CREATE INDEX slow ON messages (status_at)", "the index \"slow\" does not belong to receiptd"),
            ("DROP TRIGGER messages_updated", "the trigger \"messages_updated\" is missing"),
            ("DROP INDEX audit_log_newest", "the index \"audit_log_newest\" is missing"),
            (
                "ALTER TABLE audit_log ADD COLUMN more TEXT",
                "the table \"audit_log\" is not the one that receiptd makes",
            ),
        ] {
            fs::copy(file("copy.db"), file("other.db")).unwrap();
            execute(&file("other.db"), statement).await;
            let refused = run(folder, &["restore", "other.db", "--force"]).await.is(1);
            refused.complains("other.db is not the one of receiptd");
            refused.complains(told);
        }
        fs::write(file("none.db"), "").unwrap();
        run(folder, &["restore", "none.db", "--force"]).await.is(1).complains("none.db is empty. Copy it again");
        let whole = fs::read(file("copy.db")).unwrap();
        for length in [1, 15, 99, 100, 4096, whole.len() / 2, whole.len() - 1] {
            fs::write(file("cut.db"), &whole[..length]).unwrap();
            let refused = run(folder, &["restore", "cut.db", "--force"]).await.is(1);
            refused.complains(&format!("cut.db is truncated: it has {length} of its "));
            refused.complains("Copy it again from where it was made");
        }
        fs::write(file("other.db"), "This is some other file. ".repeat(40)).unwrap();
        run(folder, &["restore", "other.db", "--force"]).await.is(1).complains("cannot be read as an SQLite database");
        assert!(!file("receiptd.db.replaced").exists());
        run(folder, &["restore", "copy.db", "--force"]).await.is(0);
    });
}

#[test]
fn a_backup_without_the_rows_of_a_head_is_refused() {
    block_on(async {
        let server = stopped().await;
        let (folder, file) = (server.folder.path(), |name: &str| server.folder.path().join(name));
        run(folder, &["backup", "early.db"]).await.is(0);
        server.client.posts(Sample::of("later")).await.is_acknowledged();
        let head = run(folder, &["audit", "verify"]).await.is(0);
        fs::write(file("head.txt"), &head.out).unwrap();
        run(folder, &["backup", "copy.db"]).await.is(0);
        server.program.ends_on("TERM").await.is(0);
        let put_back = async |name: &str, head: &str| run(folder, &["restore", name, "--force", "--head", head]).await;
        put_back("early.db", "head.txt").await.is(1).complains("no link has the hash of this head");
        put_back("copy.db", "soon").await.is(2).complains("must be 64 hexadecimal digits or a file");
        assert!(!file("receiptd.db.replaced").exists(), "nothing is restored");
        put_back("copy.db", "head.txt").await.is(0).prints(&["restored: "]);
    });
}

/// It was restored with other tools.
#[test]
fn on_postgres_a_restored_database_is_verified_in_place() {
    on_postgres(async |database| {
        let folder = folder();
        let command = |arguments: &[&str]| {
            let mut command = receiptd(folder.path(), arguments);
            command.env("RECEIPTD_DATABASE_URL", database.url());
            command
        };
        ends(&mut command(&["migrate"])).await.is(0);
        ends(&mut command(&["restore", "copy.db"])).await.is(2).complains("pg_restore");
        ends(&mut command(&["restore"])).await.is(0).prints(&["restored: 0 verified rows"]);
    });
}

/// By every command.
async fn a_schema_from_the_future_is_refused(database: &Database) {
    let folder = folder();
    let command = |arguments: &[&str]| {
        let mut command = receiptd(folder.path(), arguments);
        command.env("RECEIPTD_DATABASE_URL", database.url());
        command
    };
    ends(&mut command(&["migrate"])).await.is(0);
    let digest = if database.is_sqlite() { "x'00'" } else { "'\\x00'" };
    let later = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99999, 'later', TRUE, {digest}, 0)"
    );
    database.execute(later.leak()).await;
    for arguments in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"], &["messages"]] {
        let refused = ends(&mut command(arguments)).await.is(1);
        refused.complains("opened by a newer receiptd: its schema is 99999, and this version knows");
        refused.complains("Run the newer version, or restore a backup");
    }
}

#[test]
fn a_schema_from_the_future_is_refused_on_sqlite() {
    on_sqlite(a_schema_from_the_future_is_refused);
}

#[test]
fn a_schema_from_the_future_is_refused_on_postgres() {
    on_postgres(a_schema_from_the_future_is_refused);
}
