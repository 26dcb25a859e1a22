//! Addresses of others: where what is sent can be read by nobody on the way.

/// Whether nobody on the way can read what is sent there: HTTPS, or HTTP to this very machine.
#[must_use]
pub fn is_private(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A user name can look like a host.
    if authority.is_empty() || authority.contains('@') {
        return false;
    }
    let loopback = ["127.0.0.1", "[::1]"].iter().any(|host| {
        let port = authority.strip_prefix(host);
        port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
    });
    scheme == "https" || (scheme == "http" && loopback)
}
