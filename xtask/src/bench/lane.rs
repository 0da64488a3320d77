//! The variants that are compared, each with a server and a store of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, PgConnection, SqliteConnection};

use super::body::Pool;
use super::client::Target;
use super::load::{self, Outcome, Phase, WARM_UP};
use super::server::Server;
use crate::database::sqlite_url;

/// Long enough for the limits that receiptd sets for secrets.
const PATH_TOKEN: &str = "bench-path-token-0123456789abcdef";
pub(crate) const HUB_SECRET: &str = "bench-hub-secret-0123456789abcdef";
const API_TOKEN: &str = "bench:admin:bench-api-secret-0123456789abcdef";

/// A pool holds this much more than the best rate so far would use.
const RESERVE: f64 = 1.5;
/// Where nothing is stored the same requests go round and round.
const ROUNDABOUT: usize = 150_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    NoOp,
    Sqlite,
    Postgres,
    SqliteSingle,
    PostgresSingle,
    /// A server that somebody else runs.
    Given,
}

impl Variant {
    /// Those that one run compares.
    pub(crate) const COMPARED: [Self; 5] =
        [Self::NoOp, Self::Sqlite, Self::Postgres, Self::SqliteSingle, Self::PostgresSingle];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoOp => "parse and authenticate only",
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
            Self::SqliteSingle => "SQLite, one commit per request",
            Self::PostgresSingle => "Postgres, one commit per request",
            Self::Given => "the given URL",
        }
    }

    /// The same database with one commit per request.
    pub(crate) fn single(self) -> Option<Self> {
        match self {
            Self::Sqlite => Some(Self::SqliteSingle),
            Self::Postgres => Some(Self::PostgresSingle),
            _ => None,
        }
    }

    /// What it is thought capable of before that is known, in notifications per second.
    fn guess(self) -> f64 {
        if matches!(self, Self::SqliteSingle | Self::PostgresSingle) { 12_000.0 } else { 60_000.0 }
    }

    pub(crate) fn needs_postgres(self) -> bool {
        matches!(self, Self::Postgres | Self::PostgresSingle)
    }

    fn settings(self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("RECEIPTD_NOTIFY__PATH_TOKEN", PATH_TOKEN.to_owned()),
            ("RECEIPTD_NOTIFY__HUB_SECRETS", HUB_SECRET.to_owned()),
            ("RECEIPTD_API_TOKENS", API_TOKEN.to_owned()),
        ];
        if matches!(self, Self::SqliteSingle | Self::PostgresSingle) {
            settings.push(("RECEIPTD_NOTIFY__BATCH_ROWS", 1.to_string()));
            // Postgres commits on several connections at once, SQLite has one writer: the best that each can do.
            let writers = if self == Self::PostgresSingle { 16 } else { 1 };
            settings.push(("RECEIPTD_NOTIFY__WRITERS", writers.to_string()));
        }
        settings
    }
}

/// One variant at work.
pub(crate) struct Lane {
    pub variant: Variant,
    target: Target,
    /// Where its rows are; none where nothing is stored, or nobody knows.
    database: Option<String>,
    server: Option<Server>,
    hub_secret: String,
    roundabout: Option<Arc<Pool>>,
    best_rate: f64,
    /// Each phase with its number of connections.
    pub outcomes: Vec<(usize, Outcome)>,
}

impl Lane {
    /// Starts a server. `postgres` is the database to use, if it is this variant's.
    pub(crate) fn start(variant: Variant, binary: &Path, folder: &Path, postgres: Option<String>) -> Result<Self> {
        let folder = folder.join(format!("{variant:?}"));
        let database = postgres.unwrap_or_else(|| sqlite_url(&folder.join("bench.db")));
        let mut settings = variant.settings();
        settings.push(("RECEIPTD_DATABASE_URL", database.clone()));
        let server = Server::start(binary, &folder, &settings).with_context(|| variant.name())?;
        let path = if variant == Variant::NoOp { "notify-check" } else { "notify" };
        let target = Target::new(server.address, &format!("/{path}/{PATH_TOKEN}"));
        let database = (variant != Variant::NoOp).then_some(database);
        Ok(Self { database, server: Some(server), ..Self::new(variant, target, HUB_SECRET.to_owned()) })
    }

    /// Takes a server that runs already.
    pub(crate) fn given(address: SocketAddr, path: &str, hub_secret: String) -> Self {
        Self::new(Variant::Given, Target::new(address, path), hub_secret)
    }

    fn new(variant: Variant, target: Target, hub_secret: String) -> Self {
        let (database, server, roundabout) = (None, None, None);
        Self {
            variant,
            target,
            database,
            server,
            hub_secret,
            roundabout,
            best_rate: variant.guess(),
            outcomes: Vec::new(),
        }
    }

    /// One phase of load; the requests are made before it begins.
    pub(crate) fn drive(&mut self, connections: usize, measured: Duration) -> Result<&Outcome> {
        let repeat = self.variant == Variant::NoOp;
        let pool = match &self.roundabout {
            Some(pool) => Arc::clone(pool),
            None => Arc::new(Pool::generate(self.pool_size(measured), &self.hub_secret)?),
        };
        if repeat {
            self.roundabout = Some(Arc::clone(&pool));
        }
        let phase = Phase { target: self.target.clone(), pool, repeat, connections, measured };
        let outcome = load::run(phase).with_context(|| format!("{}\n{}", self.variant.name(), self.log()))?;
        let first = self.outcomes.is_empty();
        self.best_rate = if first { outcome.rate() } else { self.best_rate.max(outcome.rate()) };
        self.outcomes.push((connections, outcome));
        self.outcomes.last().map(|(_, outcome)| outcome).context("an outcome was pushed")
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number far below 2^52")]
    fn pool_size(&self, measured: Duration) -> usize {
        if self.variant == Variant::NoOp {
            return ROUNDABOUT;
        }
        ((WARM_UP + measured).as_secs_f64() * self.best_rate * RESERVE) as usize
    }

    pub(crate) fn mean_length(&self) -> Result<usize> {
        Ok(Pool::generate(1, &self.hub_secret)?.mean_length())
    }

    /// All answers `200` of all phases.
    pub(crate) fn accepted(&self) -> u64 {
        self.outcomes.iter().map(|(_, outcome)| outcome.accepted).sum()
    }

    /// How many notifications are stored, if that can be asked; fewer than were acknowledged is a broken promise.
    pub(crate) async fn check_rows(&self) -> Result<Option<u64>> {
        let Some(url) = &self.database else { return Ok(None) };
        // What was acknowledged is in the journal, or in the table.
        while self.count(url, "SELECT count(*) FROM journal").await? > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let rows = self.count(url, "SELECT count(*) FROM notifications").await?;
        let (rows, accepted) = (u64::try_from(rows)?, self.accepted());
        ensure!(rows >= accepted, "{}: {accepted} acknowledged, but only {rows} stored", self.variant.name());
        Ok(Some(rows))
    }

    async fn count(&self, url: &str, statement: &'static str) -> Result<i64> {
        Ok(if self.variant.needs_postgres() {
            let mut connection = PgConnection::connect(url).await?;
            sqlx::query_scalar(statement).fetch_one(&mut connection).await?
        } else {
            let mut connection = SqliteConnection::connect(url).await?;
            sqlx::query_scalar(statement).fetch_one(&mut connection).await?
        })
    }

    fn log(&self) -> String {
        self.server.as_ref().map(Server::log).unwrap_or_default()
    }
}
