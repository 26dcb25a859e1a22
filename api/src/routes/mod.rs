//! Every route, in one table.

mod access_log;
mod check;
mod checkpoint;
mod documents;
mod entries;
mod events;
mod leaves;
mod linkset;
mod participants;
mod parts;
mod policy;
mod query;
mod recalls;
pub(crate) mod resolve;
mod service;
mod tiles;
mod verifier;
mod witness;

use crate::app::App;
use crate::openapi::{Method, Operation, Route};
use crate::service::Service;
use axum::handler::Handler;
use axum::routing::{get, post};
use std::sync::Arc;

type Shared<S> = Arc<App<S>>;

fn route<S: Service, H, T>(operation: &'static Operation, handler: H) -> Route<S>
where
    H: Handler<T, Shared<S>>,
    T: 'static,
{
    let handler = match operation.method {
        Method::Get => get(handler),
        Method::Post => post(handler),
    };
    Route { operation, handler }
}

/// Everything that is served. Codes in spellings other than those listed are resolved by the
/// router's fallback.
pub(crate) fn table<S: Service>() -> Vec<Route<S>> {
    let mut table = vec![
        route(&entries::SUBMIT, entries::submit::<S>),
        route(&entries::RECEIPT, entries::receipt::<S>),
        route(&entries::PROOF, entries::proof::<S>),
        route(&entries::KEYS, entries::keys::<S>),
        route(&entries::KEY, entries::key::<S>),
        route(&checkpoint::CHECKPOINT, checkpoint::checkpoint::<S>),
        route(&checkpoint::WITNESSED, checkpoint::witnessed::<S>),
        route(&checkpoint::PREDECESSOR, checkpoint::predecessor::<S>),
        route(&tiles::TILE, tiles::tile::<S>),
        route(&leaves::LEAVES, leaves::leaves::<S>),
        route(&witness::ADD_CHECKPOINT, witness::add_checkpoint::<S>),
        route(&witness::LATEST, witness::latest::<S>),
        route(&resolve::TRACE, resolve::by_code::<S>),
        route(&check::CHECK, check::check::<S>),
        route(&linkset::RESOLVER, linkset::resolver::<S>),
        route(&participants::PARTICIPANT, participants::participant::<S>),
        route(&policy::POLICY, policy::policy::<S>),
        route(&recalls::LIST, recalls::list::<S>),
        route(&recalls::FEED, recalls::feed::<S>),
        route(&recalls::CASE, recalls::one::<S>),
        route(&recalls::AFFECTED, recalls::affected::<S>),
        route(&events::QUERY, events::query::<S>),
        route(&events::EVENT, events::event::<S>),
        route(&events::PROOF, events::proof::<S>),
        route(&parts::PARTS, parts::parts::<S>),
        route(&access_log::ACCESS_LOG, access_log::access_log::<S>),
        route(&documents::HOME, documents::home::<S>),
        route(&documents::DOCS, documents::docs::<S>),
        route(&documents::OPENAPI, documents::openapi::<S>),
        route(&documents::ASSET, documents::asset),
        route(&verifier::VERIFY, verifier::verify::<S>),
        route(&verifier::DIGEST, verifier::digest::<S>),
        route(&service::HEALTH, service::health),
        route(&service::READY, service::ready::<S>),
        route(&service::METRICS, service::metrics::<S>),
    ];
    table.extend(
        resolve::PATHS
            .iter()
            .map(|operation| route(operation, resolve::by_path::<S>)),
    );
    table
}
