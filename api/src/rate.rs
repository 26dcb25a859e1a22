//! A token bucket for each client: nobody can read the ledger in bulk, or keep others out.

use crate::limits::CLIENTS_MAX;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How fast one client may ask.
///
/// A whole street of phones may share one address of a mobile network, so that the burst is large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests per second, in the long run.
    pub per_second: f64,
    /// Requests at once.
    pub burst: f64,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            per_second: 50.0,
            burst: 500.0,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// Takes one token, or says in how many seconds there will be one.
    fn take(&mut self, rate: Rate, now: Instant) -> Result<(), u32> {
        self.tokens = self.level(rate, now);
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let wait_s = ((1.0 - self.tokens) / rate.per_second.max(0.001)).ceil();
        Err((1..=3600)
            .find(|seconds| f64::from(*seconds) >= wait_s)
            .unwrap_or(3600))
    }

    fn level(&self, rate: Rate, now: Instant) -> f64 {
        let idle = now.saturating_duration_since(self.filled).as_secs_f64();
        rate.per_second.mul_add(idle, self.tokens).min(rate.burst)
    }
}

/// The buckets of all clients seen lately.
#[derive(Debug)]
pub(crate) struct Buckets {
    rate: Rate,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    clients: BTreeMap<IpAddr, Bucket>,
    /// Shared by all who find the table full: an attacker with that many addresses slows other
    /// newcomers, and takes no more memory.
    others: Bucket,
    swept: Instant,
}

impl Buckets {
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        let others = Bucket {
            tokens: rate.burst,
            filled: now,
        };
        let table = Table {
            clients: BTreeMap::new(),
            others,
            swept: now,
        };
        Self {
            rate,
            table: Mutex::new(table),
        }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// After how many seconds, 1 to 3600, to ask again.
    pub(crate) fn take(&self, client: IpAddr, now: Instant) -> Result<(), u32> {
        // A panic while it was held leaves a table that is still a table.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = self.rate;
        if let Some(bucket) = table.clients.get_mut(&client) {
            return bucket.take(rate, now);
        }
        if table.clients.len() >= CLIENTS_MAX {
            table.sweep(rate, now);
        }
        if table.clients.len() >= CLIENTS_MAX {
            return table.others.take(rate, now);
        }
        let bucket = Bucket {
            tokens: rate.burst,
            filled: now,
        };
        table
            .clients
            .entry(client)
            .or_insert(bucket)
            .take(rate, now)
    }
}

impl Table {
    /// Forgets clients whose buckets are full again; at most once a second, since it looks at all.
    fn sweep(&mut self, rate: Rate, now: Instant) {
        if now.saturating_duration_since(self.swept).as_secs() < 1 {
            return;
        }
        self.swept = now;
        self.clients
            .retain(|_, bucket| bucket.level(rate, now) < rate.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    const RATE: Rate = Rate {
        per_second: 2.0,
        burst: 3.0,
    };

    fn client(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn a_burst_then_the_rate_each_client_alone() {
        let start = Instant::now();
        let buckets = Buckets::new(RATE, start);
        for _ in 0..3 {
            assert_eq!(buckets.take(client(1), start), Ok(()));
        }
        assert_eq!(buckets.take(client(1), start), Err(1));
        assert_eq!(buckets.take(client(2), start), Ok(()));
        let later = start + Duration::from_millis(500);
        assert_eq!(buckets.take(client(1), later), Ok(()));
        assert_eq!(buckets.take(client(1), later), Err(1));
    }

    #[test]
    fn a_full_table_stays_bounded_and_recovers() {
        let start = Instant::now();
        let buckets = Buckets::new(RATE, start);
        let count = u32::try_from(CLIENTS_MAX).unwrap();
        for number in 0..count {
            assert_eq!(buckets.take(client(number), start), Ok(()));
        }
        // Newcomers share one bucket.
        for number in 0..3 {
            assert_eq!(buckets.take(client(count + number), start), Ok(()));
        }
        assert_eq!(buckets.take(client(count + 9), start), Err(1));
        assert_eq!(buckets.table.lock().unwrap().clients.len(), CLIENTS_MAX);
        let later = start + Duration::from_secs(60);
        assert_eq!(buckets.take(client(count + 9), later), Ok(()));
        assert_eq!(buckets.table.lock().unwrap().clients.len(), 1);
    }
}
