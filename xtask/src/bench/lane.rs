//! The variants that are compared, each with a server and a store of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use sqlx::{Connection, PgConnection, SqliteConnection};

use super::body::{Pool, Story};
use super::client::{API_SECRET, Connection as Client, Target};
use super::load::{self, Outcome, Phase, Until, WARM_UP};
use super::pace::Rate;
use super::server::Server;
use super::stores::Database;
use crate::database::sqlite_url;

/// Long enough for the limits that receiptd sets for secrets.
const PATH_TOKEN: &str = "bench-path-token-0123456789abcdef";
pub(crate) const HUB_SECRET: &str = "bench-hub-secret-0123456789abcdef";

/// A pool holds this much more than the best rate so far would use.
const RESERVE: f64 = 1.5;
/// No look-up waits longer until the store has caught up, unless something hangs.
const PATIENCE: Duration = Duration::from_mins(30);
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

    /// Whether it commits each request by itself.
    pub(crate) fn is_single(self) -> bool {
        matches!(self, Self::SqliteSingle | Self::PostgresSingle)
    }

    /// What it is thought capable of before that is known, in notifications per second.
    fn guess(self) -> f64 {
        if self.is_single() { 12_000.0 } else { 60_000.0 }
    }

    /// Whether it is measured if `only` this database is wanted. What stores nothing always is: the others are compared with it.
    pub(crate) fn is_wanted(self, only: Option<Database>) -> bool {
        match self {
            Self::NoOp | Self::Given => true,
            Self::Sqlite | Self::SqliteSingle => only != Some(Database::Postgres),
            Self::Postgres | Self::PostgresSingle => only != Some(Database::Sqlite),
        }
    }

    pub(crate) fn needs_postgres(self) -> bool {
        matches!(self, Self::Postgres | Self::PostgresSingle)
    }

    fn settings(self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("RECEIPTD_NOTIFY__PATH_TOKEN", PATH_TOKEN.to_owned()),
            ("RECEIPTD_NOTIFY__HUB_SECRETS", HUB_SECRET.to_owned()),
            ("RECEIPTD_API_TOKENS", format!("bench:admin:{API_SECRET}")),
        ];
        if self.is_single() {
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
    accepted: u64,
    /// Each phase of a closed loop with its number of connections.
    pub outcomes: Vec<(usize, Outcome)>,
}

impl Lane {
    /// Starts a server. `postgres` is the database to use, if it is this variant's; `others` are further settings.
    pub(crate) fn start(
        variant: Variant,
        binary: &Path,
        folder: &Path,
        postgres: Option<String>,
        others: &[(&'static str, String)],
    ) -> Result<Self> {
        let folder = folder.join(format!("{variant:?}"));
        let database = postgres.unwrap_or_else(|| sqlite_url(&folder.join("bench.db")));
        let mut settings = variant.settings();
        settings.push(("RECEIPTD_DATABASE_URL", database.clone()));
        settings.extend_from_slice(others);
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
            accepted: 0,
            outcomes: Vec::new(),
        }
    }

    /// One phase of a closed loop; the requests are made before it begins.
    pub(crate) fn drive(&mut self, connections: usize, measured: Duration) -> Result<&Outcome> {
        let repeat = self.variant == Variant::NoOp;
        let pool = match &self.roundabout {
            Some(pool) => Arc::clone(pool),
            None => self.pool(if repeat { ROUNDABOUT } else { requests(self.best_rate * RESERVE, measured) })?,
        };
        if repeat {
            self.roundabout = Some(Arc::clone(&pool));
        }
        let outcome = self.run(Phase { repeat, ..self.phase(pool, connections, measured) })?;
        let first = self.outcomes.is_empty();
        self.best_rate = if first { outcome.rate() } else { self.best_rate.max(outcome.rate()) };
        self.outcomes.push((connections, outcome));
        self.outcomes.last().map(|(_, outcome)| outcome).context("an outcome was pushed")
    }

    /// One phase of an open loop.
    pub(crate) fn drive_at(&mut self, rate: Rate, connections: usize, measured: Duration) -> Result<Outcome> {
        let pool = self.pool(requests(rate.per_second, measured))?;
        self.run(Phase { rate: Some(rate), ..self.phase(pool, connections, measured) })
    }

    /// One phase of an open loop, and beside it `probes` a second that look up what they have just posted.
    pub(crate) fn probe(
        &mut self,
        rate: Rate,
        probes: Rate,
        connections: usize,
        measured: Duration,
    ) -> Result<[Outcome; 2]> {
        let pools =
            [self.pool(requests(rate.per_second, measured))?, self.pool(requests(probes.per_second, measured))?];
        let [load, probing] = pools.map(|pool| self.phase(pool, connections, measured));
        let load = Phase { rate: Some(rate), ..load };
        let probing = Phase { rate: Some(probes), until: Until::Visible, ..probing };
        let probing = thread::spawn(move || load::run(probing));
        let load = self.run(load)?;
        let probing = probing.join().map_err(|_| anyhow!("the thread of the look-ups died"))?;
        let probing = probing.with_context(|| self.variant.name())?;
        self.accepted += probing.accepted;
        Ok([load, probing])
    }

    fn phase(&self, pool: Arc<Pool>, connections: usize, measured: Duration) -> Phase {
        let target = self.target.clone();
        Phase { target, pool, repeat: false, connections, measured, rate: None, until: Until::Acknowledged }
    }

    fn run(&mut self, phase: Phase) -> Result<Outcome> {
        let outcome = load::run(phase).with_context(|| format!("{}\n{}", self.variant.name(), self.log()))?;
        self.accepted += outcome.accepted;
        Ok(outcome)
    }

    fn pool(&self, count: usize) -> Result<Arc<Pool>> {
        Ok(Arc::new(Pool::generate(count, Story::Whole, &self.hub_secret)?))
    }

    /// Waits until a look-up shows everything that was acknowledged, and returns how long that took. Where nothing is stored, there is
    /// nothing to wait for.
    pub(crate) async fn catch_up(&self) -> Result<Duration> {
        let begin = Instant::now();
        if self.database.is_none() {
            return Ok(begin.elapsed());
        }
        let mut client = Client::open(&self.target).await?;
        loop {
            let answer = client.get("/v1/messages?limit=1").await?;
            ensure!(answer.status == 200, "{}: a look-up was answered {}", self.variant.name(), answer.status);
            if !answer.is_behind {
                return Ok(begin.elapsed());
            }
            ensure!(begin.elapsed() < PATIENCE, "{}: not everything became visible", self.variant.name());
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn server(&mut self) -> Result<&mut Server> {
        self.server.as_mut().context("the server is somebody else's")
    }

    /// Adds what was acknowledged otherwise.
    pub(crate) fn add_accepted(&mut self, count: u64) {
        self.accepted += count;
    }

    pub(crate) fn mean_length(&self) -> Result<usize> {
        Ok(Pool::generate(1, Story::Whole, &self.hub_secret)?.mean_length())
    }

    /// All answers `200` of all phases.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many notifications are stored, if that can be asked; fewer than were acknowledged is a broken promise.
    pub(crate) async fn check_rows(&self) -> Result<Option<u64>> {
        let Some(url) = &self.database else { return Ok(None) };
        self.catch_up().await?;
        let rows = self.count(url, "SELECT count(*) FROM notifications").await?;
        let (rows, accepted) = (u64::try_from(rows)?, self.accepted());
        ensure!(rows >= accepted, "{}: {accepted} acknowledged, but only {rows} stored", self.variant.name());
        Ok(Some(rows))
    }

    /// A number that the database answers.
    async fn count(&self, url: &str, statement: &'static str) -> Result<i64> {
        Ok(if self.variant.needs_postgres() {
            let mut connection = PgConnection::connect(url).await?;
            sqlx::query_scalar(statement).fetch_one(&mut connection).await?
        } else {
            let mut connection = SqliteConnection::connect(url).await?;
            sqlx::query_scalar(statement).fetch_one(&mut connection).await?
        })
    }

    /// The size of the database in bytes.
    pub(crate) async fn size(&self) -> Result<u64> {
        let url = self.database.as_deref().context("nothing is stored")?;
        let statement = if self.variant.needs_postgres() {
            "SELECT pg_database_size(current_database())"
        } else {
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        };
        Ok(u64::try_from(self.count(url, statement).await?)?)
    }

    fn log(&self) -> String {
        self.server.as_ref().map(Server::log).unwrap_or_default()
    }
}

/// How many requests a phase needs at this rate.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number far below 2^52")]
fn requests(rate: f64, measured: Duration) -> usize {
    ((WARM_UP + measured).as_secs_f64() * rate) as usize + 1
}
