//! How much of something one address may have at a time, so that nobody has all of it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Addresses in a table before those without a share are swept: some that gave up waiting stay.
const SWEPT_AT: usize = 4096;

/// The shares of all addresses.
#[derive(Debug)]
pub(crate) struct Shares {
    each: usize,
    table: Mutex<BTreeMap<IpAddr, Arc<Semaphore>>>,
}

/// One share, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Arc<Shares>,
    address: IpAddr,
    permit: Option<OwnedSemaphorePermit>,
}

impl Shares {
    /// So many for each address.
    pub(crate) fn new(each: usize) -> Arc<Self> {
        Arc::new(Self {
            each,
            table: Mutex::default(),
        })
    }

    /// A share of this address, if it has one left.
    pub(crate) fn try_take(self: &Arc<Self>, address: IpAddr) -> Option<Share> {
        let permit = self.of(address).try_acquire_owned().ok()?;
        Some(self.share(address, permit))
    }

    /// A share of this address, when it has one left.
    pub(crate) async fn take(self: &Arc<Self>, address: IpAddr) -> Option<Share> {
        // Ends with an error only where it is closed, which nobody does.
        let permit = self.of(address).acquire_owned().await.ok()?;
        Some(self.share(address, permit))
    }

    fn share(self: &Arc<Self>, address: IpAddr, permit: OwnedSemaphorePermit) -> Share {
        Share {
            shares: Arc::clone(self),
            address,
            permit: Some(permit),
        }
    }

    fn of(&self, address: IpAddr) -> Arc<Semaphore> {
        // A panic while it was held leaves a table that is still a table.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= SWEPT_AT {
            table.retain(|_, one| Arc::strong_count(one) > 1);
        }
        let new = || Arc::new(Semaphore::new(self.each));
        Arc::clone(table.entry(address).or_insert_with(new))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        drop(self.permit.take());
        let shares = &self.shares;
        let mut table = shares.table.lock().unwrap_or_else(PoisonError::into_inner);
        // Who else has or waits for a share of this address holds the semaphore too.
        if table
            .get(&self.address)
            .is_some_and(|one| Arc::strong_count(one) == 1)
        {
            table.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn each_address_has_its_own_and_what_ends_is_given_back() {
        let shares = Shares::new(2);
        let held = [shares.try_take(ONE), shares.try_take(ONE)];
        assert!(held.iter().all(Option::is_some));
        assert!(shares.try_take(ONE).is_none());
        assert!(shares.try_take(OTHER).is_some());
        drop(held);
        assert!(shares.table.lock().unwrap().is_empty());
        assert!(shares.try_take(ONE).is_some());
    }

    #[tokio::test]
    async fn who_waits_gets_the_next() {
        let shares = Shares::new(1);
        let first = shares.try_take(ONE);
        let mut second = std::pin::pin!(shares.take(ONE));
        tokio::select! {
            biased;
            _ = &mut second => panic!("there is one only"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        assert!(second.await.is_some());
        assert!(shares.table.lock().unwrap().is_empty());
    }
}
