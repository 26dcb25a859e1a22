//! The router, and what all handlers share.

use crate::caller::{CALLER, Caller};
use crate::guard;
use crate::identity::token_of;
use crate::limits::{
    FEEDS, FEEDS_EACH, INTAKE_KIB, PARAMETERS_MAX, READ_TURN, READS, READS_EACH, REQUESTS,
    REQUESTS_EACH, SEQUENCES, SEQUENCES_EACH,
};
use crate::negotiate::Wishes;
use crate::openapi;
use crate::pages::{Lang, PageContext};
use crate::problem::Problem;
use crate::rate::{Buckets, Rate};
use crate::routes;
use crate::service::Service;
use crate::shares::{Share, Shares};
use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use ledger::ids::Handle;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::compression::CompressionLayer;

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// How fast one client may ask.
    pub rate: Rate,
    /// Whether callers on the same machine may read the node's metrics and are not counted. Not
    /// where strangers have accounts on it, nor behind a proxy on it that does not say for whom it
    /// asks: that looks the same. Of the ledger they see no more than anyone without a token.
    pub loopback_privileges: bool,
    /// Who may read the log's entries in bulk.
    pub entry_bundles: EntryBundles,
    /// Participants whose mirrors may read effects and bodies too, as far as agreements go.
    pub mirrors: BTreeSet<Handle>,
}

/// Who may read the log's entries in bulk: that is the region's policy.
///
/// Entries hold no names and no goods, but who makes how many statements when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryBundles {
    /// Everyone.
    ForAll,
    /// These participants, who prove who they are: mirrors. Nobody, if there are none.
    For(BTreeSet<Handle>),
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            rate: Rate::default(),
            loopback_privileges: false,
            entry_bundles: EntryBundles::For(BTreeSet::new()),
            mirrors: BTreeSet::new(),
        }
    }
}

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct App<S> {
    pub(crate) service: Arc<S>,
    pub(crate) options: ApiOptions,
    pub(crate) buckets: Buckets,
    pub(crate) requests: Arc<Semaphore>,
    /// Requests in flight, by address.
    pub(crate) in_flight: Arc<Shares>,
    /// KiB of single statements.
    intake: Arc<Semaphore>,
    sequences: Arc<Semaphore>,
    sequencing: Arc<Shares>,
    pub(crate) openapi: serde_json::Value,
    /// The paths of the route table, by which requests are counted.
    pub(crate) patterns: BTreeSet<&'static str>,
    reads: Arc<Semaphore>,
    reading: Arc<Shares>,
    /// Streams of the feed of recalls.
    pub(crate) feeds: Arc<Semaphore>,
    pub(crate) feeding: Arc<Shares>,
    /// Answers about all that a recall reaches.
    pub(crate) affected: Arc<Semaphore>,
}

/// Everything that is served, over `service`.
///
/// The server must give each request its peer as `ConnectInfo<SocketAddr>`, as [`crate::serve()`]
/// does; without it every caller is a stranger.
pub fn router<S: Service>(service: Arc<S>, options: ApiOptions) -> Router {
    let table = routes::table::<S>();
    let operations = table.iter().map(|route| route.operation);
    let openapi = openapi::document(operations, service.public_url());
    let app = Arc::new(App {
        service,
        buckets: Buckets::new(options.rate, Instant::now()),
        options,
        requests: Arc::new(Semaphore::new(REQUESTS)),
        in_flight: Shares::new(REQUESTS_EACH),
        intake: Arc::new(Semaphore::new(INTAKE_KIB)),
        sequences: Arc::new(Semaphore::new(SEQUENCES)),
        sequencing: Shares::new(SEQUENCES_EACH),
        openapi,
        patterns: table.iter().map(|route| route.operation.path).collect(),
        reads: Arc::new(Semaphore::new(READS)),
        reading: Shares::new(READS_EACH),
        feeds: Arc::new(Semaphore::new(FEEDS)),
        feeding: Shares::new(FEEDS_EACH),
        affected: Arc::new(Semaphore::new(1)),
    });
    let mut router = Router::new();
    for route in table {
        router = router.route(route.operation.path, route.handler);
    }
    router
        .fallback(routes::resolve::by_path::<S>)
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(from_fn_with_state(Arc::clone(&app), guard::guard::<S>))
        .layer(CompressionLayer::new())
        .with_state(app)
}

impl<S: Service> App<S> {
    /// Runs `work`, which reads the store, on a blocking thread when its turn has come.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&S) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let caller = CALLER.try_with(|caller| *caller).ok();
        let turn = async {
            let share = match caller.filter(|caller| !caller.local) {
                Some(caller) => self.reading.take(caller.counted).await,
                None => None,
            };
            (Arc::clone(&self.reads).acquire_owned().await, share)
        };
        let Ok((Ok(permit), share)) = tokio::time::timeout(READ_TURN, turn).await else {
            return Err(Problem::Overloaded);
        };
        let service = Arc::clone(&self.service);
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&service);
            // The turn ends with the work, also if the client has gone.
            drop((permit, share));
            result
        });
        done.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a read did not end");
            Err(Problem::StoreFailed)
        })
    }

    /// What a page knows about the ledger and its request.
    pub(crate) fn page(&self, ask: &Ask) -> PageContext {
        self.page_at(&ask.target, ask.wishes.lang)
    }

    /// As [`App::page`], for the guard, which has no [`Ask`].
    pub(crate) fn page_at(&self, target: &str, lang: Lang) -> PageContext {
        PageContext {
            lang,
            here: without_lang(target),
            origin: self.service.origin().to_owned(),
            public_url: self.service.public_url().to_owned(),
            checkpoint: None,
            proof: None,
            regions: BTreeMap::new(),
        }
    }

    /// Room for `kib` KiB more of a statement, or the advice to come again.
    pub(crate) fn intake(&self, kib: u32) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.intake)
            .try_acquire_many_owned(kib)
            .map_err(|_| Problem::Busy { retry_after_s: 1 })
    }

    /// Room for a sequence of this caller, or the advice to come again.
    pub(crate) fn sequence(
        &self,
        caller: Caller,
    ) -> Result<(OwnedSemaphorePermit, Option<Share>), Problem> {
        let busy = || Problem::Busy { retry_after_s: 1 };
        let share = if caller.local {
            None
        } else {
            let share = self.sequencing.try_take(caller.counted);
            Some(share.ok_or_else(busy)?)
        };
        let turn = Arc::clone(&self.sequences).try_acquire_owned();
        Ok((turn.map_err(|_| busy())?, share))
    }
}

/// A path and query without the parameter that pages set themselves.
fn without_lang(target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // Two slashes would lead to another host.
    let path = format!("/{}", path.trim_start_matches(['/', '\\']));
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("lang="))
        .collect();
    if kept.is_empty() {
        path
    } else {
        format!("{path}?{}", kept.join("&"))
    }
}

/// One request as handlers see it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) caller: Caller,
    pub(crate) wishes: Wishes,
    /// Path and query as sent, percent-encoded.
    pub(crate) target: String,
    pub(crate) query: Query,
    /// The token it carries; nothing is proved yet.
    pub(crate) token: Option<Vec<u8>>,
    params: Vec<(String, String)>,
}

impl Ask {
    /// What stands at `{name}` in the route's path, decoded.
    pub(crate) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// The path as sent, percent-encoded.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ask {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // Fails only on a path that is not UTF-8 once decoded, or where there are no parameters.
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_or_else(
            |_| Vec::new(),
            |params| {
                params
                    .iter()
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .collect()
            },
        );
        let query = Query::parse(parts.uri.query().unwrap_or_default())?;
        let wishes = Wishes::read(&parts.headers, query.first("format"), query.first("lang"));
        let caller = parts
            .extensions
            .get()
            .copied()
            .unwrap_or_else(|| Caller::of(parts));
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned();
        Ok(Self {
            caller,
            wishes,
            target,
            query,
            token: token_of(&parts.headers)?,
            params,
        })
    }
}

/// The parameters of a query, in order, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(pub(crate) Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes())
            .take(PARAMETERS_MAX + 1)
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        if pairs.len() > PARAMETERS_MAX {
            return Err(Problem::ParameterInvalid {
                parameter: "query".to_owned(),
                why: format!("more than {PARAMETERS_MAX} parameters"),
            });
        }
        Ok(Self(pairs))
    }

    /// The first value of a parameter.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}
