//! `suyuan serve`: a node and its HTTP side, until told to stop.

use crate::client::ledger::{BEHIND_REMEDY, FORKED_REMEDY, open_failure, with_source};
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use api::{ApiOptions, EntryBundles, Tls};
use clap::{Args as ClapArgs, ValueEnum};
use ledger::ids::Handle;
use ledger_rocks::RocksStore;
use node::{Halt, Node, NodeConfig};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

/// Serve the ledger in a data directory.
///
/// SIGINT and SIGTERM end it in order: what waits is sealed, what was asked is answered. It ends
/// with exit code 8 by itself when its store fails: then nothing more may be signed, and reopening
/// finds out what was written. Where the head file is lost, or the directory was restored, it takes
/// nothing in until a quorum of its witnesses has cosigned what is here; a witness that has proof
/// of more, or of another history, ends it (exit codes 8 and 5).
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan serve --dir data
  suyuan serve --dir data --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem
  suyuan serve --dir data --public-url http://192.168.1.20:8080 --listen 0.0.0.0:8080

Logs go to standard error; RUST_LOG chooses how much, such as RUST_LOG=debug.")]
pub(crate) struct Args {
    /// The data directory, made by `suyuan init`.
    #[arg(long)]
    dir: PathBuf,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Another public address than the one settled at init.
    #[arg(long)]
    public_url: Option<String>,
    /// The TLS certificate chain, PEM; without it plain HTTP, for a proxy in front.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The form of the log.
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogFormat,
    /// Do not count callers on this machine, and show them the node's figures (/metrics). Not where
    /// strangers have accounts, nor behind a proxy on this machine that does not send
    /// X-Forwarded-For: whoever it asks for looks like a local caller.
    #[arg(long)]
    loopback_privileges: bool,
    /// A participant whose mirror may follow this log: entries and effects in bulk, and bodies as
    /// far as agreements go; may be repeated.
    #[arg(long, value_name = "HANDLE", value_parser = handle)]
    mirror: Vec<Handle>,
    /// Let everyone read the log's entries in bulk: who makes how many statements when.
    #[arg(long)]
    public_entries: bool,
    /// For one start, of a log whose head file is lost and whose trust policy asks for no witness:
    /// you know that nothing was ever signed beyond this copy. If you are wrong, the log shows two
    /// histories, and nobody can believe it again.
    #[arg(long)]
    nothing_newer_was_signed: bool,
}

fn handle(text: &str) -> Result<Handle, String> {
    Handle::parse(text).ok_or_else(|| "not a handle of 22 base64url characters".to_owned())
}

/// A form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

pub(crate) fn run(args: Args, console: Console) -> Result<(), Failure> {
    start_log(args.log_format);
    let runtime = runtime()?;
    let listener = listen(args.listen)?;
    let mut config = NodeConfig::new(&args.dir);
    config.public_url = args.public_url;
    config.nothing_newer_signed = args.nothing_newer_was_signed;
    let node = node::open(&config).map_err(|error| open_failure(&error))?;
    node::notify::spawn(&node, &args.dir, Arc::new(node::notify::Http::default()))?;
    let tls = args
        .tls_cert
        .zip(args.tls_key)
        .map(|(certificates, key)| Tls { certificates, key });
    let options = ApiOptions {
        loopback_privileges: args.loopback_privileges,
        entry_bundles: if args.public_entries {
            EntryBundles::ForAll
        } else {
            EntryBundles::For(args.mirror.iter().copied().collect())
        },
        mirrors: args.mirror.into_iter().collect(),
        ..ApiOptions::default()
    };
    console.note(format_args!(
        "{}: {} · {}",
        console.lang.pick(text::SERVING),
        args.listen,
        node.settings().public_url()
    ));
    runtime.block_on(async {
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(Arc::clone(&node), listener, tls, options, stopped));
        let halt = tokio::select! {
            () = interrupted() => None,
            halt = node.halted() => Some(halt),
        };
        end(node, serving, stop, halt).await
    })
}

/// The runtime of a node: its threads verify, so that few are needed here.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// Listens on `address`.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format!("cannot listen on {address}: {error}"))
            .remedy("choose another address with --listen")
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Serves `node` until `stopped`.
pub(crate) async fn serve(
    node: Arc<Node<RocksStore>>,
    listener: TcpListener,
    tls: Option<Tls>,
    options: ApiOptions,
    stopped: oneshot::Receiver<()>,
) -> Result<(), api::ServeError> {
    let stopped = async {
        // Whoever would send has gone: that is a stop too.
        let _either = stopped.await;
    };
    api::serve(listener, api::router(node, options), tls, stopped).await
}

/// Stops serving, then the node: what was taken in is sealed and answered.
pub(crate) async fn end(
    node: Arc<Node<RocksStore>>,
    serving: tokio::task::JoinHandle<Result<(), api::ServeError>>,
    stop: oneshot::Sender<()>,
    halt: Option<Halt>,
) -> Result<(), Failure> {
    // Gone already where serving itself failed; its result says so.
    let _gone = stop.send(());
    let served = serving.await;
    node.shutdown().await;
    if let Some(halt) = halt {
        let (code, remedy) = match halt {
            Halt::Store(_) | Halt::Panic { .. } => (
                Code::Store,
                "start it again: reopening finds out what was written",
            ),
            Halt::Behind { .. } => (Code::Store, BEHIND_REMEDY),
            Halt::Forked { .. } => (Code::Proof, FORKED_REMEDY),
        };
        return Err(Failure::new(code, with_source(&halt)).remedy(remedy));
    }
    match served {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::usage(with_source(&error))),
        Err(error) => Err(Failure::new(Code::Store, error)),
    }
}

/// Ends when the process is asked to.
pub(crate) async fn interrupted() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => log.json().init(),
    }
}
