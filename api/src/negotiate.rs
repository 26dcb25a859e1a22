//! Which form and which language a client asks for (RFC 9110 §12).

use crate::pages::Lang;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE};

/// Ranges of one header that are looked at: browsers send some ten.
const RANGES_MAX: usize = 32;

/// The forms this service answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The page, for people.
    Page,
    /// JSON, for programs.
    Json,
    /// The bundle that proves itself offline.
    Bundle,
    /// All that is known under a code (RFC 9264).
    Linkset,
}

impl Form {
    /// The media type, as sent.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Page => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Bundle => "application/vnd.suyuan.bundle+cbor",
            Self::Linkset => "application/linkset+json",
        }
    }

    /// The word of the query parameter `format`, for links and people, who cannot set headers.
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "page" => Some(Self::Page),
            "json" => Some(Self::Json),
            "bundle" => Some(Self::Bundle),
            "linkset" => Some(Self::Linkset),
            _ => None,
        }
    }
}

/// What a client would like, in its own words.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    accept: String,
    format: Option<String>,
    /// Whether it asks for server-sent events (HTML §9.2).
    pub(crate) event_stream: bool,
    /// The language of texts.
    pub(crate) lang: Lang,
}

impl Wishes {
    /// Reads the headers, and the query parameters `format` and `lang`, which go before them.
    pub(crate) fn read(headers: &HeaderMap, format: Option<&str>, lang: Option<&str>) -> Self {
        let joined = |name| {
            let all: Vec<&str> = headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .collect();
            all.join(",")
        };
        let accept = joined(ACCEPT);
        Self {
            event_stream: accept.contains("text/event-stream"),
            accept,
            format: format.map(str::to_owned),
            lang: Lang::choose(lang, Some(&joined(ACCEPT_LANGUAGE))),
        }
    }

    /// The best of `offers`, the first where the client does not mind; `None`: none will do.
    pub(crate) fn form(&self, offers: &[Form]) -> Option<Form> {
        if let Some(word) = &self.format {
            return Form::from_word(word).filter(|form| offers.contains(form));
        }
        let mut best: Option<(u16, Form)> = None;
        for offer in offers {
            let weight = weight_of(&self.accept, offer.media_type());
            if weight > best.map_or(0, |(weight, _)| weight) {
                best = Some((weight, *offer));
            }
        }
        best.map(|(_, form)| form)
    }
}

/// `q` in thousandths of the most specific range that fits `media_type`; 0: not wanted.
fn weight_of(accept: &str, media_type: &str) -> u16 {
    if accept.trim().is_empty() {
        return 1000;
    }
    let media_type = media_type.split(';').next().unwrap_or(media_type);
    let family = media_type.split('/').next().unwrap_or(media_type);
    let mut found = (0, 0);
    for (range, weight) in ranges(accept) {
        let range = range.to_ascii_lowercase();
        let exactness = if range == media_type {
            3
        } else if range.strip_suffix("/*") == Some(family) {
            2
        } else if range == "*/*" {
            1
        } else {
            continue;
        };
        if exactness > found.0 {
            found = (exactness, weight);
        }
    }
    found.1
}

/// The ranges of a header with their weights in thousandths.
fn ranges(header: &str) -> impl Iterator<Item = (&str, u16)> {
    header.split(',').take(RANGES_MAX).map(|range| {
        let mut pieces = range.split(';');
        let name = pieces.next().unwrap_or_default().trim();
        let quality = pieces.find_map(|piece| piece.trim().strip_prefix("q="));
        (name, quality.map_or(1000, thousandths))
    })
}

/// `0.8` as 800 (RFC 9110 §12.4.2: at most three digits); what is not a weight counts nothing.
fn thousandths(text: &str) -> u16 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" => 1000,
        "0" if digits => format!("{rest:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Form; 4] = [Form::Page, Form::Json, Form::Bundle, Form::Linkset];

    fn form(accept: &str) -> Option<Form> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        Wishes::read(&headers, None, None).form(&ALL)
    }

    #[test]
    fn browsers_get_the_page_and_programs_what_they_name() {
        let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        assert_eq!(form(chrome), Some(Form::Page));
        assert_eq!(form("*/*"), Some(Form::Page));
        assert_eq!(form(""), Some(Form::Page));
        assert_eq!(form("application/json"), Some(Form::Json));
        assert_eq!(form("application/*;q=0.5, text/html;q=0"), Some(Form::Json));
        assert_eq!(
            form("Application/Vnd.Suyuan.Bundle+CBOR"),
            Some(Form::Bundle)
        );
        assert_eq!(
            form("text/html;q=0.1,application/linkset+json;q=0.2"),
            Some(Form::Linkset)
        );
        assert_eq!(form("image/png"), None);
        assert_eq!(form("text/html;q=0"), None);
        assert_eq!(form("text/html;q=nonsense"), None);
    }

    #[test]
    fn the_query_goes_before_the_headers() {
        let headers = HeaderMap::new();
        let wishes = Wishes::read(&headers, Some("bundle"), Some("en"));
        assert_eq!(wishes.form(&ALL), Some(Form::Bundle));
        assert_eq!(wishes.form(&[Form::Page]), None);
        assert_eq!(wishes.lang, Lang::En);
    }
}
