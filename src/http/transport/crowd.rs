//! Limits how many connections an address may have, and how many there may be in all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rlimit::Resource;

use crate::{
    config::{ConnectionLimits, Networks},
    observe::{LogLimit, Metrics},
};

/// The number of open files that a connection takes: its socket, and the handle with which it can be aborted.
const FILES: u64 = 2;

/// The number of open connections of each address.
pub(crate) struct Crowd {
    counts: Mutex<Counts>,
    /// How many an address may have.
    pub(crate) limits: ConnectionLimits,
    /// How many there may be in all.
    most: usize,
    /// The proxies, whose connections are not limited.
    trusted: Networks,
    pub(super) metrics: Metrics,
    refused: LogLimit,
}

#[derive(Default)]
struct Counts {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
}

/// The reason why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// The address has the maximum number.
    OfAddress,
    /// There is the maximum number in all.
    InAll,
}

impl Crowd {
    /// Connections may take three quarters of the files that the process may have open. The others are for the database,
    /// certificates and outgoing requests, which must work however many clients there are.
    pub(crate) fn new(limits: ConnectionLimits, trusted: Networks, metrics: Metrics) -> Self {
        let open_files = Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
        let most = usize::try_from((open_files / 4 * 3 / FILES).max(1)).unwrap_or(usize::MAX);
        Self { counts: Mutex::default(), limits, most, trusted, metrics, refused: LogLimit::default() }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection of this address, unless there are too many.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<CountedConnection, Excess> {
        let network = network(address);
        let mut counts = self.counts();
        if counts.all >= self.most {
            return Err(Excess::InAll);
        }
        let count = counts.by_network.entry(network).or_default();
        if *count >= self.limits.per_address && !self.trusted.contain(address) {
            return Err(Excess::OfAddress);
        }
        *count += 1;
        counts.all += 1;
        drop(counts);
        Ok(CountedConnection { crowd: self.clone(), network })
    }

    /// Counts and logs a connection that was refused.
    pub(super) fn refuse(&self, address: IpAddr, excess: Excess) {
        self.metrics.connection_refused();
        let Some(count) = self.refused.due() else { return };
        match excess {
            Excess::OfAddress => {
                let most = self.limits.per_address;
                tracing::warn!(%address, count, most, "connections were refused: too many are open from this address");
            }
            Excess::InAll => {
                let most = self.most;
                tracing::warn!(
                    count,
                    most,
                    "connections were refused: too many are open; the limit of open files sets the maximum"
                );
            }
        }
    }
}

/// A connection that is counted for its address.
pub(super) struct CountedConnection {
    crowd: Arc<Crowd>,
    network: IpAddr,
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts();
        counts.all -= 1;
        if let Some(count) = counts.by_network.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.by_network.remove(&self.network);
            }
        }
    }
}

/// Returns the address or network that counts as one client: a single customer has 2⁶⁴ IPv6 addresses.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}
