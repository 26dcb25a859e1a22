//! The files a page needs beside itself, each under a name that changes with its content, so that
//! a browser may keep it for ever.

use ledger::hash::Digest;
use std::sync::LazyLock;

const STYLE: &[u8] = include_bytes!("../../assets/suyuan.css");

/// 12 hex digits of the content's hash: enough that two versions never share a name.
static STYLE_PATH: LazyLock<String> = LazyLock::new(|| {
    let digest = Digest::of(STYLE).to_string();
    format!(
        "/assets/suyuan-{}.css",
        digest.get(..12).unwrap_or_default()
    )
});

/// Where the style sheet is.
pub(crate) fn style_path() -> &'static str {
    &STYLE_PATH
}

/// Media type and content of the file at `path`, to be served with
/// `Cache-Control: public, max-age=31536000, immutable`; `None` if there is no such file.
#[must_use]
pub fn asset(path: &str) -> Option<(&'static str, &'static [u8])> {
    (path == style_path()).then_some(("text/css; charset=utf-8", STYLE))
}
