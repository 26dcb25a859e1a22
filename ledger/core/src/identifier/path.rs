//! The path under which our own web host serves an identifier, and the way back.

use super::{
    Identifier, IdentifierError, Kind,
    digital_link::{self, Url},
    fixed, percent,
};

/// Longest path read: the longest identifier with each byte percent-encoded, and some room.
const PATH_MAX: usize = 3 * super::LENGTH_MAX + 64;

impl Identifier {
    /// The path of this identifier on our own host, beginning with `/`.
    ///
    /// Digital Link paths for GS1 keys; `/drug/`, `/uscc/`, `/sc/`, `/jy/`, `/yb/`,
    /// `/participants/`, `/product/{handle}/{product}`, `/lot/{handle}/{product}/{lot}`; and
    /// `/id/{URI, percent-encoded}` for all others.
    #[must_use]
    pub fn digital_link_path(&self) -> String {
        let whole = || format!("/id/{}", percent::encode_all(&self.uri));
        if self.kind == Kind::Opaque {
            return whole();
        }
        if let Some(path) = self.uri.strip_prefix("https://id.gs1.org") {
            // Browsers fold a lone dot or two away, and GS1 allows such a lot.
            let folded = path
                .split('/')
                .any(|segment| [".", ".."].contains(&segment));
            return if folded { whole() } else { path.to_owned() };
        }
        let form = self
            .uri
            .strip_prefix("urn:suyuan:")
            .unwrap_or(&self.uri)
            .replace(':', "/");
        match form.strip_prefix("participant/") {
            Some(handle) => format!("/participants/{handle}"),
            None => format!("/{form}"),
        }
    }

    /// Reads a path of our own host: the inverse of [`Identifier::digital_link_path`], and any
    /// GS1 Digital Link path, with or without a query.
    ///
    /// # Errors
    /// [`IdentifierError::Unrecognised`] where the path names nothing; else what is wrong with it.
    pub fn from_path(path: &str) -> Result<Self, IdentifierError> {
        if path.len() > PATH_MAX {
            return Err(IdentifierError::TooLong {
                bytes: path.len(),
                max: PATH_MAX,
            });
        }
        let absolute = format!("https://id.gs1.org/{}", path.trim_start_matches('/'));
        let url = Url::split(&absolute).ok_or(IdentifierError::Unrecognised)?;
        if let Some(own) = own(&url.segments()) {
            return own;
        }
        match digital_link::recognise(url)? {
            Some(link) => Ok(link.identifier),
            None => Err(IdentifierError::Unrecognised),
        }
    }
}

/// Reads the segments of one of our own paths; `None`: it begins with another word.
pub(super) fn own(segments: &[&str]) -> Option<Result<Identifier, IdentifierError>> {
    match segments {
        ["id", uri] => Some(percent::decode(uri).and_then(|uri| Identifier::parse(&uri))),
        ["participants", handle] => fixed::from_parts("participant", &[handle]),
        // The registry's page of a participant, never a product of ours.
        ["participant", ..] => None,
        [form, parts @ ..] if !parts.is_empty() => fixed::from_parts(form, parts),
        _ => None,
    }
}
