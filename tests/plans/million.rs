//! A million messages, one second apart: common and rare ones.

use std::fmt::Write;

use receiptd::domain::Timestamp;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

/// The time at which message `n` was first known.
pub(crate) fn at(n: i64) -> Timestamp {
    Timestamp::from_micros(BEGIN + n * APART)
}

/// 2026-01-01T00:00:00Z.
const BEGIN: i64 = 1_767_225_600_000_000;
const APART: i64 = 1_000_000;

/// One row for each number `i` of `n`. No SMS is ever read. Apple was used only in the beginning. One in a thousand is
/// a call. One in ten thousand has no further notifications. Ten have their own code.
/// receiptd sent one in four, and 25 have their own sender.
const MESSAGES: &str = "\
    INSERT INTO messages (correlation_id, dispatch, sender, channel, recipient, transaction_id, status, precedence, status_at, \
        is_final, failure, code, reason, callback_data, created_at, updated_at) \
    SELECT 'order-' || substr('' || (10000000 + (i * 7919) % 1000000), 2), CASE WHEN i % 4 = 0 THEN 'accepted' END, \
        CASE WHEN i % 40000 = 0 THEN 'Rare' WHEN i % 4 = 0 THEN 'ACME' END, \
        CASE WHEN i < 5000 THEN 'apple' WHEN i % 1000 = 999 THEN 'voice' WHEN i % 10 = 0 THEN 'email' \
            WHEN i % 10 = 1 THEN 'whatsapp' ELSE 'sms' END, \
        '44770' || ((i * 31) % 200003), 't-' || i, \
        CASE WHEN i < 5000 OR i % 10000 = 17 THEN 'submitted' WHEN i % 100 = 3 THEN 'failed' \
            WHEN i % 10 = 1 THEN 'read' ELSE 'delivered' END, \
        CAST('' AS BYTES), BEGIN + i * APART, CASE WHEN i >= 5000 AND i % 10000 = 17 THEN 0 ELSE 1 END, \
        CASE WHEN i >= 5000 AND i % 100 = 3 THEN 'permanent' END, \
        CASE WHEN i % 100000 = 5 THEN '7299' WHEN i % 100 = 3 THEN '7203' ELSE '7500' END, \
        'Told', 'shop-' || (i / 3), BEGIN + i * APART, BEGIN + i * APART FROM n;";
const OTHERS: &str = "\
    INSERT INTO transactions (transaction_id, correlation_id) \
        SELECT transaction_id, correlation_id FROM messages WHERE created_at < HUNDRED_THOUSANDTH; \
    INSERT INTO recipients (correlation_id, recipient) \
        SELECT correlation_id, '44771' || ((created_at - BEGIN) / APART) FROM messages \
        WHERE created_at < HUNDRED_THOUSANDTH; \
    INSERT INTO notifications (correlation_id, fingerprint, occurrences, uncorrelated, block, position) \
        SELECT correlation_id, CAST('0123456789abcdef' AS BYTES), 1, 0, created_at, 0 \
        FROM messages WHERE created_at < HUNDRED_THOUSANDTH; \
    INSERT INTO notification_blocks (id, received_from, received_to, records, bodies, size, payload) \
        SELECT block, block, block, 1, 1, 7, CAST('{}' AS BYTES) FROM notifications; \
    INSERT INTO inbound (fingerprint, salt, received_at, source, occurrences, event, body) \
        SELECT CAST('' || (1000000000000000 + i) AS BYTES), 0, i, 'notify', 1, 'MO', CAST('{}' AS BYTES) FROM n WHERE i < 20000; \
    INSERT INTO quarantine (fingerprint, salt, received_at, source, occurrences, reason, body) \
        SELECT CAST('' || (1000000000000000 + i) AS BYTES), 0, i, 'notify', 1, 'odd', CAST('{}' AS BYTES) FROM n WHERE i < 20000;";

fn filled(numbers: &str, bytes: &str) -> String {
    let fill = format!("{numbers} {MESSAGES} {OTHERS}");
    let fill = fill.replace("HUNDRED_THOUSANDTH", &at(100_000).as_micros().to_string());
    let fill = fill.replace("BYTES", bytes);
    fill.replace("BEGIN", &BEGIN.to_string()).replace("APART", &APART.to_string())
}

/// Fills an SQLite file. Indexes and triggers are created afterwards, which is faster.
pub(crate) async fn into_sqlite(url: &str) {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    let made = "SELECT type || ' ' || name AS what, sql AS how FROM sqlite_master \
                WHERE tbl_name = 'messages' AND type <> 'table' AND sql <> ''";
    let made = sqlx::query(made).fetch_all(&mut connection).await.unwrap();
    let made = made.iter().map(|row| (row.get("what"), row.get("how")));
    let numbers = "CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999) \
                   SELECT i FROM n;";
    let fill = without(made, &filled(numbers, "BLOB"));
    let script = AssertSqlSafe(format!("PRAGMA synchronous = OFF; BEGIN IMMEDIATE; {fill} COMMIT;"));
    sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Fills a Postgres database in the same way.
pub(crate) async fn into_postgres(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let made = "SELECT 'INDEX ' || indexname AS what, indexdef AS how FROM pg_indexes \
                WHERE tablename = 'messages' AND indexname <> 'messages_pkey'";
    let made = sqlx::query(made).fetch_all(&mut connection).await.unwrap();
    let made = made.iter().map(|row| (row.get("what"), row.get("how")));
    let numbers = "CREATE TEMP TABLE n AS SELECT generate_series(0::bigint, 999999) AS i;";
    let fill = without(made, &filled(numbers, "BYTEA"));
    let script = AssertSqlSafe(format!("SET synchronous_commit = off; SET maintenance_work_mem = '256MB'; {fill}"));
    sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    on_postgres(url, "VACUUM ANALYZE".to_owned()).await;
}

/// A script that executes `what` without some objects, which exist before and after.
fn without(things: impl Iterator<Item = (String, String)>, what: &str) -> String {
    let (mut before, mut after) = (String::new(), String::new());
    for (name, how) in things {
        write!(before, "DROP {name}; ").unwrap();
        write!(after, "{how}; ").unwrap();
    }
    format!("{before} {what} {after}")
}

/// Executes a script on a Postgres server.
pub(crate) async fn on_postgres(url: &str, script: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The plan of SQLite for a statement.
pub(crate) async fn plan(url: &str, statement: &str) -> Vec<String> {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let steps = sqlx::raw_sql(explain).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    steps.iter().map(|step| step.get("detail")).collect()
}
