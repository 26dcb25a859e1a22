//! GS1 Digital Link URIs, of any domain and below any stem.
//!
//! A path is one when, from some segment to its end, it reads as key, value and qualifiers. On a
//! foreign domain a path that only looks like one is left alone, unless the key's digits are all
//! there and its check digit says that one of them is wrong.

use super::{
    Identifier, IdentifierError,
    ai::{self, Ai},
    key::{self, Key},
    percent,
};

/// A Digital Link that was read.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) identifier: Identifier,
    /// Key and qualifiers of the path, decoded.
    pub(super) elements: Vec<(String, String)>,
    /// The valid GS1 attributes of the query, decoded.
    pub(super) attributes: Vec<(String, String)>,
}

/// An `http` or `https` URI in its parts; the scheme and the host may be of any case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Url<'a> {
    authority: &'a str,
    /// Without the leading slash.
    pub(super) path: &'a str,
    query: &'a str,
}

impl<'a> Url<'a> {
    /// Splits, or `None` where this is no web address with a host.
    pub(super) fn split(text: &'a str) -> Option<Self> {
        let rest = super::strip_prefix(text, "https://")
            .or_else(|| super::strip_prefix(text, "http://"))?;
        let rest = rest.split('#').next().unwrap_or(rest);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        (!authority.is_empty()).then_some(Self {
            authority,
            path,
            query,
        })
    }

    fn is_gs1(&self) -> bool {
        self.authority.eq_ignore_ascii_case("id.gs1.org")
    }

    /// The segments, without the empty one behind a trailing slash.
    pub(super) fn segments(&self) -> Vec<&'a str> {
        let path = self.path.strip_suffix('/').unwrap_or(self.path);
        path.split('/').collect()
    }
}

enum Reading {
    Link(Identifier, Vec<(String, String)>),
    /// Not GS1, though a segment looked like a key.
    Foreign(IdentifierError),
    /// GS1 without doubt, and wrong.
    Wrong(IdentifierError),
}

/// Reads `url` as a Digital Link; `None` where it is something else.
pub(super) fn recognise(url: Url<'_>) -> Result<Option<Link>, IdentifierError> {
    let segments = url.segments();
    let (mut wrong, mut foreign) = (None, None);
    for start in 0..segments.len() {
        let Some((key, rest)) = segments[start..].split_first() else {
            break;
        };
        let Some(key) = Key::by_segment(key) else {
            continue;
        };
        match read(key, rest) {
            Reading::Link(identifier, elements) => {
                let attributes = attributes(url.query);
                return Ok(Some(Link {
                    identifier,
                    elements,
                    attributes,
                }));
            }
            Reading::Wrong(error) => wrong = wrong.or(Some(error)),
            Reading::Foreign(error) => foreign = foreign.or(Some(error)),
        }
    }
    if let Some(error) = wrong {
        return Err(error);
    }
    if url.is_gs1() {
        if let Some(error) = foreign {
            return Err(error);
        }
        // Nothing else has one long segment of base64url there (GS1 DL Compression §3).
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if let [segment] = segments[..]
            && segment.len() >= 8
            && segment.bytes().all(base64url)
        {
            return Err(IdentifierError::Compressed);
        }
    }
    Ok(None)
}

/// Reads a value and qualifiers behind `key`.
fn read(key: &'static Key, rest: &[&str]) -> Reading {
    // A key's value and at most three qualifiers: 7 segments.
    let Some((value, pairs)) = rest.split_first().filter(|(_, pairs)| pairs.len() <= 6) else {
        return Reading::Foreign(IdentifierError::Unrecognised);
    };
    let value = match percent::decode(value).and_then(|value| key.value(&value)) {
        Ok(value) => value,
        Err(error @ IdentifierError::CheckDigit { .. }) => return Reading::Wrong(error),
        Err(error) => return Reading::Foreign(error),
    };
    let mut codes = Vec::new();
    let mut elements = vec![(key.code.to_owned(), value.clone())];
    for pair in pairs.chunks(2) {
        let code = key::qualifier_code(pair[0]);
        let Some(text) = pair.get(1).filter(|_| key.allows(code)) else {
            return Reading::Foreign(IdentifierError::UnknownQualifier {
                key: key.code.to_owned(),
                qualifier: pair[0].chars().take(32).collect(),
            });
        };
        match percent::decode(text) {
            Ok(text) => elements.push((code.to_owned(), text)),
            Err(error) => return Reading::Wrong(error),
        }
        codes.push(code);
    }
    match key
        .check_order(&codes)
        .and_then(|()| key.identifier(&value, &elements))
    {
        Ok(identifier) => Reading::Link(identifier, elements),
        Err(error) => Reading::Wrong(error),
    }
}

/// The attributes that GS1 defines. A link also carries link types and campaign marks, and no
/// typing error in one of them keeps the goods from being found.
fn attributes(query: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (code, value) in query
        .split(['&', ';'])
        .filter_map(|pair| pair.split_once('='))
    {
        let code = if code == "exp" { "17" } else { code };
        let Some(ai) = Ai::find(code).filter(|ai| ai.query && ai::is_digits(code)) else {
            continue;
        };
        if let Ok(value) = percent::decode(value)
            && ai.validate(code, &value).is_ok()
            && found.iter().all(|(known, _)| known != code)
        {
            found.push((code.to_owned(), value));
        }
    }
    found
}
