//! Listening: plain or TLS, with time limits, until told to stop.

use crate::connections::Doorman;
use crate::limits::HEAD_TIME;
use axum::Router;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

/// How long requests in flight may go on after shutdown begins: a block and its sync take less.
const DRAIN: Duration = Duration::from_secs(20);

/// Certificate chain and private key, PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain, leaf first.
    pub certificates: PathBuf,
    /// The leaf's private key: PKCS #8, SEC 1 or PKCS #1.
    pub key: PathBuf,
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The certificate or its key cannot be used.
    #[error("TLS certificate {certificates} and key {key} cannot be used")]
    Tls {
        /// The chain's file.
        certificates: String,
        /// The key's file.
        key: String,
        /// Why.
        source: std::io::Error,
    },
    /// Listening failed.
    #[error("listening failed")]
    Listen(#[source] std::io::Error),
}

/// Serves `router` on `listener` until `shutdown` ends; then takes no more connections, and ends
/// when requests in flight are answered, after 20 s at the latest.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let handle = Handle::new();
    let waiting = handle.clone();
    let stop = tokio::spawn(async move {
        shutdown.await;
        waiting.graceful_shutdown(Some(DRAIN));
    });
    let server = axum_server::from_tcp(listener)
        .map_err(ServeError::Listen)?
        .handle(handle);
    let server = limited(server).acceptor(Doorman::default());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = match tls {
        None => server.serve(service).await,
        Some(files) => {
            let config = load(&files).await?;
            let doorman = server.get_ref().clone();
            server
                .acceptor(RustlsAcceptor::new(config).acceptor(doorman))
                .serve(service)
                .await
        }
    };
    stop.abort();
    served.map_err(ServeError::Listen)
}

/// Nobody holds a connection by sending nothing, or a head byte by byte; [`Doorman`] sees to who
/// falls silent later.
fn limited(server: Server<SocketAddr>) -> Server<SocketAddr> {
    let mut server = server.first_request_timeout(HEAD_TIME);
    server
        .http_builder()
        .http1()
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(64 * 1024);
    server
        .http_builder()
        .http2()
        .max_concurrent_streams(64)
        .max_header_list_size(32 * 1024);
    server
}

async fn load(files: &Tls) -> Result<RustlsConfig, ServeError> {
    // Fails only where a provider was chosen before, which then stays.
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().unwrap_or(());
    RustlsConfig::from_pem_file(&files.certificates, &files.key)
        .await
        .map_err(|source| ServeError::Tls {
            certificates: files.certificates.display().to_string(),
            key: files.key.display().to_string(),
            source,
        })
}
