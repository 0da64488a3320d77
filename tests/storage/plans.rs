//! The statements of the outbox use an index, however many messages wait. They are read from the cache of checked
//! queries, so that new statements are included.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

use crate::store::{Database, TestStore};

both!(no_statement_of_the_outbox_reads_a_whole_table);

/// The statements for `database` that read or write the outbox, or messages and steps for it.
fn statements(database: &str) -> Vec<String> {
    let cache: Value = serde_json::from_str(include_str!("../../sqlx-data.json")).unwrap();
    let queries = cache.as_object().unwrap().values().map(|entry| entry["query"].as_str().unwrap().to_owned());
    let of_outbox = |query: &String| {
        let words = ["outbox", "dispatch_events", "step.dispatch", "is_shown"];
        // A verification reads everything, and the rows that a purge would remove are counted, which may be most of
        // them.
        let is_whole = query.ends_with("FROM dispatch_events")
            || query.contains("COUNT(*) AS \"n!: i64\"")
            || query.contains("AS kept LEFT JOIN messages")
            || query.contains("AS named WHERE named.transaction_id IS NOT NULL")
            || query.contains("FROM transactions t WHERE NOT EXISTS")
            || query.contains("FROM outbox o LEFT JOIN dispatch_events")
            || query.ends_with("FROM outbox");
        // Once after a clock was set back, or after a restore: all waiting messages are affected.
        let is_rare = query.contains("m.updated_at > $1") || query.contains("due_at IS NOT NULL OR lease_until");
        query.starts_with(&format!("/* {database} */"))
            && words.iter().any(|word| query.contains(word))
            && !is_whole
            && !is_rare
    };
    queries.filter(of_outbox).collect()
}

async fn no_statement_of_the_outbox_reads_a_whole_table(store: &TestStore) {
    match &store.database {
        Database::Sqlite { url, .. } => {
            let mut connection = SqliteConnection::connect(url).await.unwrap();
            let statements = statements("sqlite");
            assert!(statements.len() > 12, "{}", statements.len());
            for statement in statements {
                let explained = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")));
                let plan = explained.fetch_all(&mut connection).await.unwrap();
                let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
                // Only the rows of a batch, which are passed as JSON, and values derived from them.
                let is_small = |line: &&String| {
                    ["VIRTUAL TABLE", "SCAN lane", "SCAN step", "SCAN (subquery", "CONSTANT ROW"]
                        .iter()
                        .any(|it| line.contains(it))
                };
                let scans: Vec<_> = plan.iter().filter(|line| line.contains("SCAN") && !is_small(line)).collect();
                assert_eq!(scans, Vec::<&String>::new(), "{statement}\n{plan:#?}");
            }
        }
        Database::Postgres { url, .. } => {
            store.execute(MANY).await;
            let mut connection = PgConnection::connect(url).await.unwrap();
            let statements = statements("postgres");
            assert!(statements.len() > 12, "{}", statements.len());
            for statement in statements {
                let parameters = (1..=20).take_while(|n| statement.contains(&format!("${n}"))).map(|_| "NULL");
                let parameters = parameters.collect::<Vec<_>>().join(", ");
                let arguments = if parameters.is_empty() { String::new() } else { format!("({parameters})") };
                let explain = format!(
                    "SET plan_cache_mode = force_generic_plan; PREPARE asked AS {statement}; \
                     EXPLAIN EXECUTE asked{arguments}; DEALLOCATE asked"
                );
                let plan = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
                let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
                assert!(!plan.iter().any(|line| line.contains("Seq Scan")), "{statement}\n{plan:#?}");
            }
        }
    }
}

/// So many rows that reading all of them is seen to be expensive.
const MANY: &str = r"
    INSERT INTO messages (correlation_id, dispatch, channel, recipient, status, precedence, status_at, is_final,
        created_at, updated_at)
        SELECT 'order-' || n, 'queued', 'sms', n, 'queued', '\x0A', 1, 0, n, n FROM generate_series(1, 20000) AS n;
    INSERT INTO outbox (correlation_id, salt, channel, request, attempts, settled, counted, due_at, expire_at)
        SELECT 'order-' || n, 0, CASE WHEN n % 2 = 0 THEN 'sms' ELSE 'rcs' END, '{}', 0, 0, 0, n, n
        FROM generate_series(1, 19000) AS n;
    INSERT INTO outbox (correlation_id, salt, channel, request, attempts, settled, counted, lease_until)
        SELECT 'order-' || n, 0, 'sms', '{}', 0, 0, 0, n FROM generate_series(19001, 20000) AS n;
    INSERT INTO dispatch_events (correlation_id, step, salt, at, dispatch, attempts, settled, counted)
        SELECT 'order-' || n, 1, 0, n, 'queued', 0, 0, 0 FROM generate_series(1, 20000) AS n;
    ANALYZE messages, outbox, dispatch_events";
