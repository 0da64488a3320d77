//! Limits how many connections an address may have.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    config::{ConnectionLimits, Networks},
    observe::{LogLimit, Metrics},
};

/// The number of open connections of each address.
pub(crate) struct Crowd {
    counts: Mutex<HashMap<IpAddr, usize>>,
    /// How many an address may have.
    pub(crate) limits: ConnectionLimits,
    /// The proxies, whose connections are not limited.
    trusted: Networks,
    pub(super) metrics: Metrics,
    pub(super) refused: LogLimit,
}

impl Crowd {
    pub(crate) fn new(limits: ConnectionLimits, trusted: Networks, metrics: Metrics) -> Self {
        Self { counts: Mutex::default(), limits, trusted, metrics, refused: LogLimit::default() }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection of this address; returns `None` if the address has the maximum number.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<CountedConnection> {
        let network = network(address);
        let mut counts = self.counts();
        let count = counts.entry(network).or_default();
        if *count >= self.limits.per_address && !self.trusted.contain(address) {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(CountedConnection { crowd: self.clone(), network })
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
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
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
