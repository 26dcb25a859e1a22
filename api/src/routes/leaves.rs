//! The log with effects and bodies, for the mirrors that the region names.

use super::Shared;
use super::access_log::number;
use super::resolve::invalid;
use crate::app::Ask;
use crate::identity::record;
use crate::openapi::{Answer, Operation, Parameter, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use ledger::access::Reader;
use ledger::excerpt::{EXCERPT_BYTES_MAX, EXCERPT_LEAVES_MAX, encode};
use ledger::ids::LeafIndex;
use ledger::lists::Sharing;
use ledger::store::{Store as _, View as _};

const CBOR: &str = "application/cbor";

pub(crate) static LEAVES: Operation = Operation {
    path: "/leaves",
    tag: Tag::Log,
    summary: "Entries with their effects and bodies, to the mirrors that the region names.",
    description: "An array of [entry, effects, body], each a byte string, from one leaf on: at most \
        1,024, fewer where bodies reach 4 MiB. A body is the disclosures of the statement as it was \
        submitted, with those parts that agreements and jurisdiction show to the token's bearer; it \
        is empty where one of its events may not be seen by name. Deleted parts are absent. Reads \
        of withheld parts are recorded.",
    parameters: &[
        Parameter::query("from", "The first leaf; 0 unless given."),
        Parameter::query("count", "Leaves, 1 to 1,024; 1,024 unless given."),
        Parameter::query(
            "parts",
            "Withheld parts to put back: public (none), confidential, all; public unless given.",
        ),
    ],
    answers: &[Answer {
        status: 200,
        description: "The leaves; none beyond the newest.",
        types: &[CBOR],
    }],
    ..Operation::GET
};

/// `GET /leaves`.
pub(crate) async fn leaves<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let from = number(&ask, "from")?.unwrap_or_default();
    if from > u64::MAX / 2 {
        return Err(invalid("from", "beyond any leaf"));
    }
    let count = match number(&ask, "count")? {
        None => EXCERPT_LEAVES_MAX,
        Some(count) => usize::try_from(count)
            .ok()
            .filter(|count| (1..=EXCERPT_LEAVES_MAX).contains(count))
            .ok_or_else(|| invalid("count", "not a number from 1 to 1024"))?,
    };
    let shared = Shared::clone(&app);
    let read = move |service: &S| {
        let view = service.store().view();
        let Reader::Bearer(partner) = ask.reader(service, &view)? else {
            return Err(Problem::EntryBundlesNeedIdentity);
        };
        let caller = partner.bearer.handle();
        if !shared.options.mirrors.contains(&caller) {
            let what = "the log with its bodies: its operator names mirrors (suyuan serve --mirror HANDLE)";
            return Err(Problem::NotEntitled { what, caller });
        }
        let mut leaves = view.leaves_within(LeafIndex(from), count, EXCERPT_BYTES_MAX)?;
        let mut sharing = Sharing::new(&view, *partner);
        for one in &mut leaves {
            let body = std::mem::take(&mut one.body);
            one.body = sharing.body(one.leaf, &one.entry, body)?;
        }
        record(service, "GET /leaves", sharing.reader(), sharing.opened())?;
        Ok(encode(&leaves))
    };
    let bytes = app.read(read).await?;
    Ok(([(header::CONTENT_TYPE, CBOR)], bytes).into_response())
}
