//! The requests under way, each of one channel.

use std::{collections::HashMap, future::Future};

use tokio::task::{Id, JoinError, JoinSet};

use super::dispatch::Feedback;
use crate::domain::Channel;

/// The requests under way. They end with it.
#[derive(Default)]
pub(super) struct Requests {
    tasks: JoinSet<Feedback>,
    channels: HashMap<Id, Channel>,
}

impl Requests {
    /// Starts one.
    pub(super) fn start(&mut self, channel: Channel, request: impl Future<Output = Feedback> + Send + 'static) {
        self.channels.insert(self.tasks.spawn(request).id(), channel);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Waits for the next one to end, and returns its channel, and its feedback unless it broke off; `None` if there is
    /// none. May be dropped at any time.
    pub(super) async fn next_ended(&mut self) -> Option<(Channel, Option<Feedback>)> {
        let ended = self.tasks.join_next_with_id().await?;
        self.told(ended)
    }

    /// The same, if one has ended already.
    pub(super) fn take_ended(&mut self) -> Option<(Channel, Option<Feedback>)> {
        let ended = self.tasks.try_join_next_with_id()?;
        self.told(ended)
    }

    fn told(&mut self, ended: Result<(Id, Feedback), JoinError>) -> Option<(Channel, Option<Feedback>)> {
        let (id, feedback) = match ended {
            Ok((id, feedback)) => (id, Some(feedback)),
            Err(error) => (error.id(), None),
        };
        Some((self.channels.remove(&id)?, feedback))
    }
}
