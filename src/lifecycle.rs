//! Assembles a server, and shuts it down in the right order.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    audit::{AuditWriter, Proof},
    clock::Clock,
    config::{SendSettings, Settings},
    domain::Timestamp,
    handover::Handover,
    http::{self, App},
    maintenance::{self, Eraser, Purger},
    notify::{Committer, Intake},
    observe::Metrics,
    projection::{CatchUp, Projector},
    query::{Overview, Query, SealedFilters},
    send::{Dispatcher, PlatformError, Sender, WebexConnect},
    storage::{self, OpenError, Store},
    tls::Certificate,
};

/// Why a server could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The platform cannot be called.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The metrics cannot be set up.
    #[error("the metrics cannot be set up")]
    Metrics(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server cannot listen, or failed.
    #[error("the HTTP server failed")]
    Http(#[source] io::Error),
}

/// The maximum time for the commits that are pending after the last request, and then for closing the store.
const LAST_COMMITS: Duration = Duration::from_secs(20);

/// Serves on `listener` until `shutdown` is cancelled. Then it does the following, in this order: it refuses new requests
/// and answers the open ones; it commits the notifications that wait; it settles the messages that are being dispatched.
pub async fn serve(
    settings: Settings,
    clock: Clock,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let _sighup_tasks = reread_on_hangup(&settings);
    let metrics = Metrics::new().map_err(|error| ServeError::Metrics(error.into()))?;
    let store = storage::open(settings.database_url.expose_secret(), settings.database).await?;
    if let Some(key) = &settings.signing_key {
        store.hash_chain.sign_with(key.clone());
    }
    let stop = CancellationToken::new();
    // Stops the background tasks, however this function ends.
    let _stop_on_drop = stop.clone().drop_guard();
    let background = TaskTracker::new();
    let dispatcher = match &settings.send {
        Some(send) => Some(dispatcher(send, &store, &clock, &metrics)?),
        None => None,
    };
    let dispatch_health = dispatcher.as_ref().map(Dispatcher::health);
    if let Some(dispatcher) = dispatcher {
        background.spawn(dispatcher.run(stop.clone().cancelled_owned()));
    }
    let purger = Purger::new(&store, settings.retention, clock.clone());
    background.spawn(purger.run(stop.clone().cancelled_owned()));
    let handover = Handover::default();
    let (committer, mut writers) =
        Committer::start(&store.journal, &handover, settings.zone, settings.commit, &metrics);
    let stop_projecting = CancellationToken::new();
    let _stop_projecting_on_drop = stop_projecting.clone().drop_guard();
    let projector = Projector::new(&store, clock.clone()).with(handover);
    let projector = tokio::spawn(projector.run(stop_projecting.clone()));
    // The trimmer may be cancelled at any point, since each of its steps is one commit.
    let trimmer =
        maintenance::seal_and_trim_status_events(store.status_events.clone(), settings.keep_events, clock.clone());
    background.spawn(stop.clone().run_until_cancelled_owned(trimmer));
    log_notes(&settings);
    warn_if_open(&settings);
    warn_of_transport(&settings, clock.now());
    let address = listener.local_addr().map_err(ServeError::Http)?;
    tracing::info!(%address, "receiptd accepts notifications at /notify");
    let app = App {
        intake: Intake {
            authentication: settings.authentication,
            zone: settings.zone,
            committer,
            clock: clock.clone(),
            metrics: metrics.clone(),
        },
        sender: Sender::new(
            store.outbox.clone(),
            clock.clone(),
            settings.send.as_ref().map(|send| send.tenant.sms_api),
        ),
        catch_up: CatchUp::new(&store, settings.catch_up, clock.clone()),
        query: Query::new(&store, settings.deadlines, clock.clone()),
        sealed_filters: SealedFilters::new(&store, settings.keep_views, clock.clone()),
        overview: Overview::new(&store, clock.clone()),
        audit: AuditWriter::start(&store, clock.clone()),
        record_reads: settings.record_reads,
        proof: Proof::new(&store),
        signing_key: settings.signing_key,
        eraser: Eraser::new(&store, clock.clone()),
        store,
        dispatch_health,
        tokens: settings.tokens,
        session_limits: settings.sessions,
        allowed_addresses: settings.allowed_addresses,
        proxies: settings.proxies,
        connections: settings.connections,
        certificate: settings.certificate,
        body_limit: settings.body_limit,
        answer_within: settings.answer_within,
        metrics,
        clock,
    };
    let health = app.store.health.clone();
    let served = http::serve(listener, app, &shutdown).await.map_err(ServeError::Http);
    tracing::info!("shutting down: finishing the open requests");
    stop.cancel();
    background.close();
    let drained = timeout(LAST_COMMITS, async { while writers.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::error!("some waiting notifications could not be committed; they were not acknowledged");
    }
    background.wait().await;
    stop_projecting.cancel();
    if timeout(LAST_COMMITS, projector).await.is_err() {
        tracing::warn!("some acknowledged notifications cannot be looked up yet; the next start stores them");
    }
    if timeout(LAST_COMMITS, health.close()).await.is_err() {
        tracing::warn!("the database is still in use; on SQLite its -wal file belongs to it");
    }
    served
}

/// Starts the loop that dispatches messages, until `stop` is cancelled.
pub fn dispatch(
    settings: &SendSettings,
    store: &Store,
    clock: &Clock,
    metrics: &Metrics,
    stop: CancellationToken,
) -> Result<JoinHandle<()>, ServeError> {
    Ok(tokio::spawn(dispatcher(settings, store, clock, metrics)?.run(stop.cancelled_owned())))
}

fn dispatcher(
    settings: &SendSettings,
    store: &Store,
    clock: &Clock,
    metrics: &Metrics,
) -> Result<Dispatcher, ServeError> {
    let platform =
        WebexConnect::new(settings.base_url.clone(), settings.credentials.clone(), settings.timeout, clock.clone())?;
    let (tenant, limits) = (settings.tenant.clone(), settings.limits.clone());
    Ok(Dispatcher::new(store, Arc::new(platform), tenant, limits, clock.clone(), metrics.clone()))
}

/// Logs notes and warnings about the settings.
fn log_notes(settings: &Settings) {
    if !settings.foreign_variables.is_empty() {
        let variables = settings.foreign_variables.join(", ");
        tracing::info!(variables, "these variables belong to Kubernetes services; they are not read as settings");
    }
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
}

fn warn_if_open(settings: &Settings) {
    if settings.tokens.is_none() {
        tracing::warn!("the API is open to every client that can connect; set api.tokens to change this");
    }
    if settings.authentication.is_open() {
        tracing::warn!("the notify URL is open to every client that can connect; set notify.path_token to change this");
    }
}

fn warn_of_transport(settings: &Settings, now: Timestamp) {
    match settings.certificate.as_ref().map(Certificate::good_until) {
        Some(until) if until < now => {
            tracing::error!(%until, "the certificate has expired; the platform will not connect");
        }
        None if !settings.listen.ip().is_loopback() && settings.proxies.trusted.is_empty() => {
            tracing::warn!(
                "requests arrive unencrypted, including their secrets; set tls.certificate, or trusted_proxies"
            );
        }
        _ => {}
    }
}

/// Reads secrets and certificates again at each SIGHUP, until the returned tasks are dropped. Without this, a SIGHUP would
/// end the program.
fn reread_on_hangup(settings: &Settings) -> JoinSet<()> {
    let (settings, mut tasks) = (settings.clone(), JoinSet::new());
    if let Ok(mut hangup) = signal(SignalKind::hangup()) {
        tasks.spawn(async move {
            while hangup.recv().await.is_some() {
                settings.reread();
                tracing::info!("SIGHUP: secrets and certificates were read again");
            }
        });
    }
    tasks
}

/// A token that the first SIGTERM or Ctrl-C cancels. At the second one the process ends at once.
pub fn cancelled_by_signal() -> CancellationToken {
    let token = CancellationToken::new();
    tokio::spawn({
        let token = token.clone();
        async move {
            interrupted().await;
            token.cancel();
        }
    });
    token
}

/// Resolves at the first SIGTERM or Ctrl-C. At the second one the process ends at once.
pub async fn interrupted() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received; stop the process by other means");
        return std::future::pending().await;
    };
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    tracing::info!("stopping; send the signal again to stop at once");
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(1);
    });
}
