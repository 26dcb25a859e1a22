//! The log's tree as immutable files (C2SP tlog-tiles).
//!
//! Hash tiles are for everyone. Entry bundles show who makes how many statements when, and so
//! are for everyone only where the region says so, else for named mirrors.

use super::Shared;
use crate::app::{Ask, EntryBundles};
use crate::openapi::{Answer, Operation, Parameter, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use ledger::merkle::tile::{TileKind, TileName};
use ledger::store::Store as _;
use ledger::tiles::tile_bytes;

const TILE_TYPE: &str = "application/octet-stream";

/// A tile never changes: a week is what other logs' servers say too.
const FOR_EVERYONE: &str = "public, max-age=604800, immutable";

/// As above, in the cache of the mirror that may read it.
const FOR_ONE: &str = "private, max-age=604800, immutable";

pub(crate) static TILE: Operation = Operation {
    path: "/tile/{*name}",
    tag: Tag::Log,
    summary: "A hash tile or an entry bundle of the log's tree (C2SP tlog-tiles).",
    description: "L/N or L/N.p/W: the hashes of tile N on level L; entries/N or entries/N.p/W: its \
        entries, each behind its length in two bytes. N in groups of three digits, all but the \
        last behind an x. Take widths from a checkpoint you have verified. Entry bundles may need \
        a token of a mirror that the region names.",
    parameters: &[Parameter::path(
        "name",
        "Such as 0/x001/x234/067 or entries/000.p/8.",
    )],
    answers: &[Answer {
        status: 200,
        description: "The tile; it never changes.",
        types: &[TILE_TYPE],
    }],
    ..Operation::GET
};

/// `GET /tile/{*name}`.
pub(crate) async fn tile<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    // The path as sent: an encoded slash is no slash, and a second spelling is no name.
    let name = ask.path().strip_prefix('/').and_then(TileName::parse);
    let name = name.ok_or(Problem::TileNameInvalid)?;
    let shared = Shared::clone(&app);
    let read = move |service: &S| {
        let view = service.store().view();
        let caching = match (name.kind, &shared.options.entry_bundles) {
            (TileKind::Hashes(_), _) | (TileKind::Entries, EntryBundles::ForAll) => FOR_EVERYONE,
            (TileKind::Entries, EntryBundles::For(mirrors)) => {
                let bearer = ask.bearer(service, &view)?;
                let caller = bearer.ok_or(Problem::EntryBundlesNeedIdentity)?.handle();
                if !mirrors.contains(&caller) {
                    let what = "a bundle of entries";
                    return Err(Problem::NotEntitled { what, caller });
                }
                FOR_ONE
            }
        };
        let bytes = tile_bytes(&view, name)?.ok_or(Problem::TileAbsent)?;
        Ok((bytes, caching))
    };
    let (bytes, caching) = app.read(read).await?;
    let mut response = ([(header::CONTENT_TYPE, TILE_TYPE)], bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if caching == FOR_EVERYONE {
        // One form, one language: what makes other answers vary is nothing to a cache here.
        let vary = HeaderValue::from_static("accept-encoding");
        headers.insert(header::VARY, vary);
    }
    Ok(response)
}
