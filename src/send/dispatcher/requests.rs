//! The requests under way, each of one channel.

use std::{collections::HashMap, future::Future};

use tokio::task::{Id, JoinError, JoinSet};

use super::dispatch::Feedback;
use crate::domain::Channel;

/// The requests under way. They are aborted when this is dropped.
#[derive(Default)]
pub(super) struct Requests {
    tasks: JoinSet<Feedback>,
    channels: HashMap<Id, Channel>,
}

impl Requests {
    /// Starts a request.
    pub(super) fn start(&mut self, channel: Channel, request: impl Future<Output = Feedback> + Send + 'static) {
        self.channels.insert(self.tasks.spawn(request).id(), channel);
    }

    /// The number of requests.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Waits until a request ends. Returns its channel, and its feedback unless it was aborted; `None` if there is no
    /// request. The future may be dropped at any time.
    pub(super) async fn next_ended(&mut self) -> Option<(Channel, Option<Feedback>)> {
        let ended = self.tasks.join_next_with_id().await?;
        self.with_channel(ended)
    }

    /// Returns the same without waiting, if a request has ended already.
    pub(super) fn take_ended(&mut self) -> Option<(Channel, Option<Feedback>)> {
        let ended = self.tasks.try_join_next_with_id()?;
        self.with_channel(ended)
    }

    fn with_channel(&mut self, ended: Result<(Id, Feedback), JoinError>) -> Option<(Channel, Option<Feedback>)> {
        let (id, feedback) = match ended {
            Ok((id, feedback)) => (id, Some(feedback)),
            Err(error) => (error.id(), None),
        };
        Some((self.channels.remove(&id)?, feedback))
    }
}
