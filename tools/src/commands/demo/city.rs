//! One city of the demo: its ledger, its node, and everybody on it.

use super::examples::Examples;
use super::load::Cast;
use crate::client::http::Remote;
use crate::client::ledger::open_failure;
use crate::commands::init::{make_dir, write_trust};
use crate::commands::serve::{end, serve};
use crate::exit::Failure;
use crate::text::{Lang, Text};
use api::ApiOptions;
use ledger::ids::UnixMillis;
use ledger::note::NoteKey;
use ledger_rocks::RocksStore;
use node::{Founding, Halt, Node, NodeConfig, Settings};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What is settled about a city.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) name: Text,
    /// The log's name: one under which nobody can own anything.
    pub(super) origin: &'static str,
    /// The name under which its node witnesses the other city's log.
    pub(super) witness: &'static str,
    /// What its authority may act in: a region-code prefix.
    pub(super) region: &'static str,
    /// Where its files are in `schemas/examples`.
    folder: &'static str,
    /// Who founds the ledger, in its `participants.json`.
    pub(super) authority: &'static str,
    /// Who asks in the other city's name, there.
    pub(super) guest: &'static str,
}

pub(super) static CHENGDU: Place = Place {
    name: ["成都", "Chengdu"],
    origin: "demo.suyuan.example/chengdu",
    witness: "demo.suyuan.example/chengdu/witness",
    region: "5101",
    folder: "",
    authority: "chengdu-amr",
    guest: "chongqing-office",
};

pub(super) static CHONGQING: Place = Place {
    name: ["重庆", "Chongqing"],
    origin: "demo.suyuan.example/chongqing",
    witness: "demo.suyuan.example/chongqing/witness",
    region: "50",
    folder: "chongqing/",
    authority: "chongqing-amr",
    guest: "chengdu-office",
};

impl Place {
    /// One of its files in `schemas/examples`.
    pub(super) fn file(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }
}

/// Where a node is reached.
pub(super) struct Door {
    pub(super) listener: TcpListener,
    /// In codes and links.
    pub(super) public_url: String,
    /// From this machine.
    pub(super) url: String,
}

impl Door {
    /// `public_url`: where it is not the address listened on.
    pub(super) fn new(listener: TcpListener, public_url: Option<String>) -> Result<Self, Failure> {
        let url = format!("http://{}", reachable(listener.local_addr()?));
        Ok(Self {
            listener,
            public_url: public_url.unwrap_or_else(|| url.clone()),
            url,
        })
    }
}

/// The address under which this machine reaches what listens on `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = if address.ip().is_unspecified() {
        std::net::Ipv4Addr::LOCALHOST.into()
    } else {
        address.ip()
    };
    SocketAddr::new(ip, address.port())
}

/// A founded ledger.
pub(super) struct City {
    pub(super) place: &'static Place,
    pub(super) dir: PathBuf,
    pub(super) cast: Cast,
    /// The log's verifier key.
    pub(super) vkey: NoteKey,
    pub(super) public_url: String,
    pub(super) url: String,
}

impl City {
    /// Whether its neighbour asks it by name: a credential is sent to nobody over a network in the
    /// clear, and strangers are told of no hand-overs.
    pub(super) fn is_asked_by_name(&self) -> bool {
        node::is_private(&self.url)
    }

    /// Founds the ledger in `dir`. Its pages lead to the verifier at `neighbour`.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn found(
        place: &'static Place,
        dir: &Path,
        door: &Door,
        neighbour: &Door,
        examples: &Examples,
        now: UnixMillis,
    ) -> Result<Self, Failure> {
        let (public_url, url) = (door.public_url.clone(), door.url.clone());
        let (origin, region) = (place.origin.to_owned(), place.region.to_owned());
        let settings = Settings::new(origin, public_url.clone(), region)
            .and_then(|settings| {
                settings.with_verifiers(vec![format!("{}/verify", neighbour.public_url)])
            })
            .map_err(Failure::usage)?;
        let keys = dir.join("keys");
        make_dir(&keys)?;
        let cast = Cast::new(place, examples, &keys, now)?;
        let (handle, key) = cast.founder()?;
        let founding = Founding {
            founders: vec![(handle, place.region.to_owned(), key)],
            threshold: 1,
            predecessor: None,
        };
        node::init(dir, &settings, founding).map_err(|error| open_failure(&error))?;
        let (_, vkey) = write_trust(dir, place.origin)?;
        Ok(Self {
            place,
            dir: dir.to_owned(),
            cast,
            vkey: NoteKey::parse(&vkey).map_err(Failure::malformed)?,
            public_url,
            url,
        })
    }

    /// Its node, from this machine.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn reach(&self, lang: Lang) -> Result<Remote, Failure> {
        Remote::connect(&self.url, lang)
    }

    /// The same, asked by its authority.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn reach_as_office(&self, lang: Lang) -> Result<Remote, Failure> {
        Ok(self.reach(lang)?.asked_by(Some(self.cast.office()?)))
    }

    /// Opens its node, and serves it.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn serve(&self, runtime: &Runtime, door: Door) -> Result<Served, Failure> {
        let node = node::open(&NodeConfig::new(&self.dir)).map_err(|error| open_failure(&error))?;
        node::notify::spawn(&node, &self.dir, Arc::new(node::notify::Http::default()))?;
        let (stop, stopped) = oneshot::channel();
        let options = ApiOptions::default();
        let serving = runtime.spawn(serve(
            Arc::clone(&node),
            door.listener,
            None,
            options,
            stopped,
        ));
        Ok(Served {
            node,
            serving,
            stop,
        })
    }
}

/// A node that is served.
pub(super) struct Served {
    node: Arc<Node<RocksStore>>,
    serving: JoinHandle<Result<(), api::ServeError>>,
    stop: oneshot::Sender<()>,
}

impl Served {
    /// Ends with the node, where that ends by itself.
    pub(super) async fn halted(&self) -> Halt {
        self.node.halted().await
    }

    /// Stops it; `halt`: why it ended by itself, if it did.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) async fn end(self, halt: Option<Halt>) -> Result<(), Failure> {
        end(self.node, self.serving, self.stop, halt).await
    }
}
