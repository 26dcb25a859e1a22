//! Who asks, by their own token; and the record of what they are shown.
//!
//! A request without `Authorization` is a stranger's. One with it is its bearer's or nobody's: a
//! token that does not hold is refused, also where a stranger would be answered. Nothing is kept
//! between requests.

use crate::app::Ask;
use crate::problem::Problem;
use crate::service::Service;
use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ledger::access::Sight;
use ledger::access::record::Reads;
use ledger::cbor::DecodeFault;
use ledger::lists::{Opened, Reader, entitled};
use ledger::store::{EventRef, View};
use ledger::token::{Bearer, IdentifyError, TOKEN_BYTES_MAX, TokenError, identify};
use std::collections::BTreeMap;

/// A token as base64url.
const TOKEN_TEXT_MAX: usize = TOKEN_BYTES_MAX.div_ceil(3) * 4;

/// The bytes of the token that a request carries, if it carries one.
///
/// # Errors
/// `TokenRefused`, where `Authorization` holds anything else.
pub(crate) fn token_of(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Problem> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    let malformed = || {
        let why = DecodeFault::Field("Authorization: Bearer and base64url").at(0);
        Problem::TokenRefused(TokenError::Malformed(why))
    };
    let text = value.to_str().ok().filter(|_| all.next().is_none());
    let (scheme, text) = text
        .and_then(|text| text.split_once(' '))
        .ok_or_else(malformed)?;
    let text = text.trim();
    if !scheme.eq_ignore_ascii_case("Bearer") || text.len() > TOKEN_TEXT_MAX {
        return Err(malformed());
    }
    URL_SAFE_NO_PAD
        .decode(text)
        .map(Some)
        .map_err(|_| malformed())
}

impl Ask {
    /// Who asks, proved against `view`; `None` for a stranger.
    ///
    /// # Errors
    /// `TokenRefused`, `StoreFailed`.
    pub(crate) fn bearer<S: Service>(
        &self,
        service: &S,
        view: &impl View,
    ) -> Result<Option<Bearer>, Problem> {
        let Some(token) = &self.token else {
            return Ok(None);
        };
        match identify(view, service.origin(), service.now(), token) {
            Ok(bearer) => Ok(Some(bearer)),
            Err(IdentifyError::Token(why)) => Err(Problem::TokenRefused(why)),
            Err(IdentifyError::Store(error)) => Err(error.into()),
        }
    }

    /// Who reads, and how much of it they want to see: the parameter `parts`.
    ///
    /// # Errors
    /// `ParameterInvalid`, `ConfidentialNeedsIdentity`, and those of [`Ask::bearer`].
    pub(crate) fn reader<S: Service>(
        &self,
        service: &S,
        view: &impl View,
    ) -> Result<Reader, Problem> {
        self.reader_of(service, view, self.wants()?)
    }

    /// Who reads, wanting to see `wants` of each event at most.
    ///
    /// # Errors
    /// `ConfidentialNeedsIdentity`, and those of [`Ask::bearer`].
    pub(crate) fn reader_of<S: Service>(
        &self,
        service: &S,
        view: &impl View,
        wants: Sight,
    ) -> Result<Reader, Problem> {
        match self.bearer(service, view)? {
            Some(bearer) => {
                let entitled = entitled(view, bearer, wants, service.now())?;
                Ok(Reader::Bearer(Box::new(entitled)))
            }
            None if wants > Sight::Named => Err(Problem::ConfidentialNeedsIdentity),
            None => Ok(Reader::Public),
        }
    }

    fn wants(&self) -> Result<Sight, Problem> {
        match self.query.first("parts") {
            None | Some("public") => Ok(Sight::Named),
            Some("confidential") => Ok(Sight::Confidential),
            Some("all") => Ok(Sight::Personal),
            Some(_) => Err(Problem::ParameterInvalid {
                parameter: "parts".to_owned(),
                why: "neither public, confidential nor all".to_owned(),
            }),
        }
    }
}

/// Records what was put back for a reader (`opened`). Nothing computed from it may be shown before.
///
/// # Errors
/// `ReadNotRecorded`.
pub(crate) fn record<S: Service>(
    service: &S,
    endpoint: &str,
    reader: &Reader,
    opened: &BTreeMap<EventRef, Opened>,
) -> Result<(), Problem> {
    let Some(bearer) = reader.bearer() else {
        return Ok(());
    };
    for reads in Reads::of(bearer, endpoint, opened) {
        service.record_reads(reads).map_err(|error| {
            tracing::error!(%error, "a read could not be recorded");
            Problem::ReadNotRecorded
        })?;
    }
    Ok(())
}
