//! Who asks: the address that is counted, and whether it is the operator's own machine.

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Headers by which a proxy says that it passes on another's request.
const FORWARDED: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

tokio::task_local! {
    /// The caller of the request that this task answers.
    pub(crate) static CALLER: Caller;
}

/// The caller of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The address whose requests are counted together.
    pub(crate) counted: IpAddr,
    /// Whether the request comes straight from this machine: where the operator says so, it is not
    /// counted, and may read the node's figures.
    pub(crate) local: bool,
}

impl Caller {
    /// Reads the caller off a request.
    ///
    /// Local is only what comes from a loopback address, through no proxy, to a loopback name:
    /// a proxy on this machine speaks for strangers, and a web page that has its own name point
    /// to 127.0.0.1 (DNS rebinding) still sends that name as `Host`. A proxy that passes on neither
    /// the client's address nor its `Host` cannot be told from a local caller, which is why local
    /// callers have no privilege unless the operator grants it.
    pub(crate) fn of(parts: &Parts) -> Self {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        let Some(peer) = peer.map(|peer| peer.to_canonical()) else {
            // Nobody knows who asks: a stranger, counted with all such.
            return Self {
                counted: Ipv6Addr::UNSPECIFIED.into(),
                local: false,
            };
        };
        let forwarded = FORWARDED
            .iter()
            .any(|name| parts.headers.contains_key(*name));
        if !peer.is_loopback() {
            return Self {
                counted: network(peer),
                local: false,
            };
        }
        if forwarded {
            let client = last_forwarded_for(&parts.headers).unwrap_or(peer);
            return Self {
                counted: network(client),
                local: false,
            };
        }
        Self {
            counted: peer,
            local: names_loopback(parts),
        }
    }
}

/// An IPv6 customer has at least a /64 to choose addresses from.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The address that the nearest proxy, ours, has seen: the last one. Those before are claims.
fn last_forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()?
        .to_str()
        .ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

fn names_loopback(parts: &Parts) -> bool {
    let from_header = || {
        let host = parts.headers.get(header::HOST)?.to_str().ok()?;
        host.parse::<Authority>().ok()
    };
    let Some(authority) = parts.uri.authority().cloned().or_else(from_header) else {
        return false;
    };
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let address = host
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    address || host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn caller(peer: &str, headers: &[(&str, &str)]) -> Caller {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts
            .extensions
            .insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 9)));
        Caller::of(&parts)
    }

    #[test]
    fn local_is_loopback_without_proxy_under_a_loopback_name() {
        for (peer, host) in [
            ("127.0.0.1", "127.0.0.1:8080"),
            ("::1", "[::1]:80"),
            ("::ffff:127.0.0.1", "localhost"),
        ] {
            assert!(caller(peer, &[("host", host)]).local, "{peer} {host}");
        }
        for (peer, headers) in [
            ("192.0.2.7", [("host", "127.0.0.1"), ("accept", "*/*")]),
            (
                "127.0.0.1",
                [("host", "rebound.example"), ("accept", "*/*")],
            ),
            (
                "127.0.0.1",
                [("host", "127.0.0.1"), ("x-forwarded-for", "127.0.0.1")],
            ),
            ("127.0.0.1", [("host", "127.0.0.1"), ("via", "1.1 proxy")]),
            ("127.0.0.1", [("accept", "*/*"), ("accept", "*/*")]),
        ] {
            assert!(!caller(peer, &headers).local, "{peer} {headers:?}");
        }
    }

    #[test]
    fn clients_are_counted_by_what_our_proxy_saw() {
        let counted = |peer, value| caller(peer, &[("x-forwarded-for", value)]).counted;
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            counted("127.0.0.1", "10.9.9.9, 198.51.100.4"),
            address("198.51.100.4")
        );
        assert_eq!(counted("192.0.2.7", "198.51.100.4"), address("192.0.2.7"));
        assert_eq!(counted("127.0.0.1", "nonsense"), address("127.0.0.1"));
        assert_eq!(
            counted("127.0.0.1", "2001:db8:1:2:3::9"),
            address("2001:db8:1:2::")
        );
    }
}
