//! The server on real sockets: plain, TLS, and its end.

use super::fake::{Fake, setting};
use crate::app::{ApiOptions, router};
use crate::limits::{REQUESTS_EACH, STATEMENT_BYTES_MAX};
use crate::serve::{ServeError, Tls, serve};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), ServeError>>,
}

fn start(tls: Option<Tls>) -> Running {
    start_over(setting().fake, tls)
}

fn start_over(fake: Arc<Fake>, tls: Option<Tls>) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let router = router(fake, ApiOptions::default());
    let shutdown = async move { stopped.await.unwrap_or(()) };
    let server = tokio::spawn(serve(listener, router, tls, shutdown));
    Running {
        address,
        stop,
        server,
    }
}

async fn health(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let request = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // Closing without TLS's goodbye is an error that changes nothing about the answer.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

/// A self-signed certificate for `localhost` and where its files are.
fn certificate(name: &str) -> (Tls, Vec<u8>) {
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = std::env::temp_dir().join(format!("suyuan-api-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let tls = Tls {
        certificates: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&tls.certificates, pair.cert.pem()).unwrap();
    std::fs::write(&tls.key, pair.signing_key.serialize_pem()).unwrap();
    (tls, pair.cert.der().to_vec())
}

#[tokio::test]
async fn answers_on_a_socket_and_ends_when_told() {
    let running = start(None);
    let answer = health(TcpStream::connect(running.address).await.unwrap()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    running.stop.send(()).unwrap();
    running.server.await.unwrap().unwrap();
    assert!(
        TcpStream::connect(running.address).await.is_err(),
        "it listens no more"
    );
}

/// A connection from that address of this machine, which counts as a stranger's.
async fn connect(running: &Running, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(running.address).await.unwrap()
}

/// Begins to submit so many bytes; returns once the node waits for them, or with its answer.
async fn begin(stream: &mut TcpStream, bytes: usize) -> String {
    let request = format!(
        "POST /entries HTTP/1.1\r\nhost: node.example\r\ncontent-type: application/cose\r\n\
         content-length: {bytes}\r\nexpect: 100-continue\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(line).unwrap()
}

/// One address begins to submit as much as it may, and goes no further.
#[tokio::test]
async fn who_sends_nothing_more_keeps_nobody_else_out() {
    let setting = setting();
    let running = start_over(Arc::clone(&setting.fake), None);
    let mut held = Vec::new();
    for _ in 0..REQUESTS_EACH {
        let mut stream = connect(&running, [127, 0, 0, 2]).await;
        let line = begin(&mut stream, STATEMENT_BYTES_MAX).await;
        assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
        held.push(stream);
    }
    let mut stream = connect(&running, [127, 0, 0, 2]).await;
    let line = begin(&mut stream, 1).await;
    assert_eq!(line, "HTTP/1.1 429 Too Many Requests\r\n");
    // It may still ask whether the node lives, and others submit: what is not there takes no room.
    let stream = connect(&running, [127, 0, 0, 2]).await;
    assert!(health(stream).await.starts_with("HTTP/1.1 200 OK"));
    let mut stream = connect(&running, [127, 0, 0, 3]).await;
    let statement = setting.fresh[0].encode();
    let line = begin(&mut stream, statement.len()).await;
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    stream.write_all(&statement).await.unwrap();
    let mut line = [0; 20];
    stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"\r\nHTTP/1.1 201 Creat");
    drop(held);
    running.stop.send(()).unwrap();
}

#[tokio::test]
async fn answers_under_its_certificate() {
    let (tls, der) = certificate("good");
    let running = start(Some(tls));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der.into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(running.address).await.unwrap();
    let stream = connector
        .connect("localhost".try_into().unwrap(), stream)
        .await
        .unwrap();
    assert!(health(stream).await.starts_with("HTTP/1.1 200 OK"));
    running.stop.send(()).unwrap();
    running.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_certificate_that_is_not_there_is_named() {
    let nowhere = PathBuf::from("no-such-file.pem");
    let running = start(Some(Tls {
        certificates: nowhere.clone(),
        key: nowhere,
    }));
    let error = running.server.await.unwrap().unwrap_err();
    assert!(matches!(error, ServeError::Tls { .. }), "{error}");
    assert!(error.to_string().contains("no-such-file.pem"));
}
