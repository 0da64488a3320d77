//! An open store: its parts, and what it announces.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    AuditLog, Consistency, Erasure, Glance, HashChain, Health, InboundStore, Journal, Keys, Messages, Outbox,
    Projection, Quarantine, Repair, Retention, SavedViews, Sessions, StatusEvents, Submissions,
};

#[derive(Clone)]
pub struct Store {
    pub journal: Arc<dyn Journal>,
    pub projection: Arc<dyn Projection>,
    pub projection_plan: ProjectionPlan,
    pub messages: Arc<dyn Messages>,
    pub inbound: Arc<dyn InboundStore>,
    pub quarantine: Arc<dyn Quarantine>,
    pub outbox: Arc<dyn Outbox>,
    pub status_events: Arc<dyn StatusEvents>,
    pub repair: Arc<dyn Repair>,
    pub health: Arc<dyn Health>,
    pub hash_chain: Arc<dyn HashChain>,
    pub consistency: Arc<dyn Consistency>,
    pub audit_log: Arc<dyn AuditLog>,
    pub retention: Arc<dyn Retention>,
    pub erasure: Arc<dyn Erasure>,
    pub sessions: Arc<dyn Sessions>,
    pub saved_views: Arc<dyn SavedViews>,
    pub keys: Arc<dyn Keys>,
    pub submissions: Arc<dyn Submissions>,
    pub glance: Arc<dyn Glance>,
    /// Notifies when this instance has committed a change of a message.
    pub status_signal: watch::Receiver<()>,
    /// Notifies when this instance has accepted a message for sending.
    pub submission_signal: watch::Receiver<()>,
}

/// What a backend announces to the other parts of this instance.
#[derive(Clone, Default)]
pub(crate) struct Signals {
    pub(crate) changed: watch::Sender<()>,
    pub(crate) submitted: watch::Sender<()>,
}

/// What a projection means for other commits.
#[derive(Clone, Copy, Debug)]
pub struct ProjectionPlan {
    /// How long a projection should take, so that others need not wait longer.
    pub time: Duration,
    /// Whether nothing else is committed meanwhile.
    pub is_exclusive: bool,
}

impl Store {
    pub(crate) fn of<B>(backend: B, projection_plan: ProjectionPlan, signals: &Signals) -> Self
    where
        B: Journal
            + Projection
            + Messages
            + InboundStore
            + Quarantine
            + Outbox
            + StatusEvents
            + Repair
            + Health
            + HashChain
            + Consistency
            + AuditLog
            + Retention
            + Erasure
            + Sessions
            + SavedViews
            + Keys
            + Submissions
            + Glance
            + 'static,
    {
        let backend = Arc::new(backend);
        Self {
            journal: backend.clone(),
            projection: backend.clone(),
            projection_plan,
            messages: backend.clone(),
            inbound: backend.clone(),
            quarantine: backend.clone(),
            outbox: backend.clone(),
            status_events: backend.clone(),
            repair: backend.clone(),
            health: backend.clone(),
            hash_chain: backend.clone(),
            consistency: backend.clone(),
            audit_log: backend.clone(),
            retention: backend.clone(),
            erasure: backend.clone(),
            sessions: backend.clone(),
            saved_views: backend.clone(),
            keys: backend.clone(),
            submissions: backend.clone(),
            glance: backend,
            status_signal: signals.changed.subscribe(),
            submission_signal: signals.submitted.subscribe(),
        }
    }
}
