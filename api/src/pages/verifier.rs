//! The verifier for browsers: one file that needs no server, no network and no library.
//!
//! `assets/verify.wasm` is the core compiled to WebAssembly by `tools/web.sh`; the page around it is
//! put together here, the same bytes on every node, so that its SHA-256 can be compared between
//! regions and with a copy that somebody saved.

use super::Key;
use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ledger::hash::Digest;
use ledger_web::AGE_MAX_S;
use std::sync::LazyLock;

const CORE: &[u8] = include_bytes!("../../assets/verify.wasm");
const SCRIPT: &str = include_str!("../../assets/verify.js");
const STYLE: &str = concat!(
    include_str!("../../assets/suyuan.css"),
    include_str!("../../assets/verify.css")
);

/// The page, and what goes with it.
#[derive(Debug)]
pub struct Verifier {
    /// The file.
    pub html: String,
    /// Its Content-Security-Policy, for the header: the one in the file, and no framing, which only
    /// a header can forbid.
    pub policy: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
}

#[derive(Template)]
#[template(path = "verify.html", whitespace = "minimize")]
struct VerifyPage<'a> {
    policy: &'a str,
    style: &'a str,
    script: &'a str,
    core: String,
    hours: u32,
}

/// The verifier, put together once.
pub fn verifier() -> &'static Verifier {
    static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
        // This very script and style and no other; WebAssembly, but no `eval`; nothing is sent.
        let policy = format!(
            "default-src 'none'; script-src {} 'wasm-unsafe-eval'; style-src {}; img-src data:; \
             base-uri 'none'; form-action 'none'",
            source(SCRIPT),
            source(STYLE)
        );
        let html = super::html(&VerifyPage {
            policy: &policy,
            style: STYLE,
            script: SCRIPT,
            core: STANDARD.encode(CORE),
            hours: AGE_MAX_S / 3600,
        });
        Verifier {
            policy: format!("{policy}; frame-ancestors 'none'"),
            sha256: Digest::of(html.as_bytes()).to_string(),
            html,
        }
    });
    &VERIFIER
}

/// A hash source (CSP Level 3 §2.3.1).
fn source(text: &str) -> String {
    let digest = Digest::of(text.as_bytes());
    format!("'sha256-{}'", STANDARD.encode(digest.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `BLESS=1` writes the file, which is how the SHA-256 is published with the source.
    #[test]
    fn the_published_digest_is_that_of_the_page() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/verify.html.sha256");
        let line = format!("{}  verify.html\n", verifier().sha256);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &line).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap();
        assert_eq!(published, line, "BLESS=1 publishes the new one");
    }

    #[test]
    fn the_page_asks_nobody_for_anything() {
        let page = &verifier().html;
        for part in ["src=", "@import", "url(", "fetch(", "XMLHttp", "crypto."] {
            assert!(!page.contains(part), "{part}");
        }
        let addresses: Vec<&str> = page
            .match_indices("://")
            .map(|(at, _)| at)
            .map(|at| page.get(at.saturating_sub(5)..at + 20).unwrap_or_default())
            .collect();
        assert!(
            addresses.iter().all(|one| one.contains("www.w3.org")),
            "{addresses:?}"
        );
    }
}
