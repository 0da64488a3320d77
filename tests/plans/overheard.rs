//! The log lines of the databases and of sqlx while receiptd works.

use std::{
    fmt::Debug,
    sync::{Mutex, Once},
};

use serde_json::Value;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry,
};

/// The log lines since they were last cleared.
static HEARD: Mutex<Vec<Said>> = Mutex::new(Vec::new());

#[derive(Clone)]
enum Said {
    /// SQLite has run this statement.
    Statement(String),
    /// The plan with which Postgres has run a statement.
    Explanation(Value),
}

/// Begins to listen, once per process.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(registry().with(Ear)).unwrap());
}

struct Ear;

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        let said = match event.metadata().target() {
            "sqlx::query" => {
                event.record(&mut line);
                // A short statement is its own summary. Postgres reports its plans itself.
                let whole = if line.statement.trim().is_empty() { line.summary } else { line.statement };
                // Statements that are built have no comment. On Postgres, a question mark stands only in names of columns.
                let is_sqlite =
                    whole.contains("/* sqlite */") || (whole.contains('?') && !whole.contains("/* postgres */"));
                (is_sqlite && !whole.contains("EXPLAIN")).then(|| Said::Statement(whole.trim().to_owned()))
            }
            "sqlx::postgres::notice" => {
                event.record(&mut line);
                let plan = line.message.split_once("plan:").and_then(|(_, plan)| serde_json::from_str(plan).ok());
                plan.map(Said::Explanation)
            }
            _ => None,
        };
        HEARD.lock().unwrap().extend(said);
    }
}

#[derive(Default)]
struct Line {
    message: String,
    summary: String,
    statement: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.statement),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// The statements that SQLite has run before one that contains `mark`, since the last call. `None` if that statement
/// has not run yet.
pub(crate) fn statements_before(mark: &str) -> Option<Vec<String>> {
    let mut heard = HEARD.lock().unwrap();
    let end = heard.iter().position(|said| matches!(said, Said::Statement(text) if text.contains(mark)))?;
    let rest = heard.split_off(end + 1);
    let (statements, others) = heard.drain(..end).partition(|said| matches!(said, Said::Statement(_)));
    let statements: Vec<Said> = statements;
    *heard = others;
    heard.extend(rest);
    let text = |said| match said {
        Said::Statement(text) => Some(text),
        Said::Explanation(_) => None,
    };
    Some(statements.into_iter().filter_map(text).collect())
}

/// The plan with which Postgres has run a statement.
pub(crate) struct Plan {
    pub(crate) whole: Value,
    /// Tables that were read completely.
    pub(crate) scanned: Vec<String>,
    /// The number of rows of `messages` that were read.
    pub(crate) looked_at: f64,
}

/// The plans that Postgres has reported since the last call.
pub(crate) fn plans() -> Vec<Plan> {
    let mut plans = Vec::new();
    HEARD.lock().unwrap().retain(|said| match said {
        Said::Explanation(whole) => {
            let mut plan = Plan { whole: whole.clone(), scanned: Vec::new(), looked_at: 0.0 };
            plan.read(&whole["Plan"]);
            plans.push(plan);
            false
        }
        Said::Statement(_) => true,
    });
    plans
}

impl Plan {
    fn read(&mut self, node: &Value) {
        let number = |name: &str| node[name].as_f64().unwrap_or_default();
        let table = node["Relation Name"].as_str().unwrap_or_default();
        // The counters are few. Their number does not depend on the number of messages.
        if node["Node Type"].as_str().is_some_and(|kind| kind.contains("Seq Scan")) && table != "counters" {
            self.scanned.push(table.to_owned());
        }
        if table == "messages" {
            let rows = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"].map(number);
            self.looked_at += rows.iter().sum::<f64>() * number("Actual Loops");
        }
        for child in node["Plans"].as_array().into_iter().flatten() {
            self.read(child);
        }
    }
}

/// The URL of the same database, with the setting that makes it report the plan of every statement.
pub(crate) fn explaining(url: &str) -> String {
    let settings = [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_timing", "off"),
        ("auto_explain.log_format", "json"),
        ("client_min_messages", "log"),
    ];
    let settings: Vec<_> = settings.iter().map(|(name, value)| format!("-c%20{name}%3D{value}")).collect();
    format!("{url}{}options={}", if url.contains('?') { '&' } else { '?' }, settings.join("%20"))
}
