//! Connections: how many at a time, of whom, and for how long without a sign of life.

use crate::caller::network;
use crate::limits::{CONNECTIONS, CONNECTIONS_EACH, IDLE_TIME};
use crate::shares::{Share, Shares};
use axum_server::accept::Accept;
use std::future::{Ready, ready};
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Takes connections as long as there is room; others are closed at once.
#[derive(Clone, Debug)]
pub(crate) struct Doorman {
    all: Arc<Semaphore>,
    each: Arc<Shares>,
}

impl Default for Doorman {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(CONNECTIONS)),
            each: Shares::new(CONNECTIONS_EACH),
        }
    }
}

impl Doorman {
    fn admit(&self, stream: TcpStream) -> Result<Watched<TcpStream>> {
        let peer = stream.peer_addr()?.ip().to_canonical();
        let full = || Error::new(ErrorKind::ConnectionRefused, "too many connections");
        // A proxy on this machine speaks for everybody.
        let share = if peer.is_loopback() {
            None
        } else {
            Some(self.each.try_take(network(peer)).ok_or_else(full)?)
        };
        let all = Arc::clone(&self.all).try_acquire_owned();
        let turn = all.map_err(|_| full())?;
        Ok(Watched::new(stream, IDLE_TIME, Some((turn, share))))
    }
}

impl<S> Accept<TcpStream, S> for Doorman {
    type Stream = Watched<TcpStream>;
    type Service = S;
    type Future = Ready<Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        ready(self.admit(stream).map(|stream| (stream, service)))
    }
}

/// A stream that ends when for some time no byte went either way: a client that has gone, keeps a
/// connection for later, or asks and does not read.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    stream: T,
    idle: Duration,
    moved: Instant,
    timer: Pin<Box<Sleep>>,
    _held: Option<(OwnedSemaphorePermit, Option<Share>)>,
}

impl<T> Watched<T> {
    fn new(stream: T, idle: Duration, held: Option<(OwnedSemaphorePermit, Option<Share>)>) -> Self {
        Self {
            stream,
            idle,
            moved: Instant::now(),
            timer: Box::pin(tokio::time::sleep(idle)),
            _held: held,
        }
    }

    /// What a poll of the stream came to, and an error where nothing moved for too long.
    fn watch<R>(&mut self, polled: Poll<Result<R>>, context: &mut Context<'_>) -> Poll<Result<R>> {
        if polled.is_ready() {
            self.moved = Instant::now();
            return polled;
        }
        while self.timer.as_mut().poll(context).is_ready() {
            if self.moved.elapsed() >= self.idle {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            let until = self.moved + self.idle;
            self.timer.as_mut().reset(until);
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watch(polled, context)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(polled, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[tokio::test(start_paused = true)]
    async fn a_stream_on_which_nothing_moves_ends() {
        let (mut other, stream) = tokio::io::duplex(16);
        let idle = Duration::from_secs(9);
        let mut stream = Watched::new(stream, idle, None);
        let begun = Instant::now();
        tokio::time::advance(Duration::from_secs(5)).await;
        other.write_all(b"x").await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'x');
        // Nine seconds from then on.
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(begun.elapsed() >= Duration::from_secs(14));
        // A reader that does not read.
        let error = stream.write_all(&[0; 17]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_too_many_is_closed_and_one_that_ends_makes_room() {
        let doorman = Doorman {
            all: Arc::new(Semaphore::new(1)),
            each: Shares::new(1),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connect = async || {
            let client = TcpStream::connect(address).await.unwrap();
            (client, listener.accept().await.unwrap().0)
        };
        let (_first, served) = connect().await;
        let first = doorman.admit(served).unwrap();
        let (mut second, served) = connect().await;
        let error = doorman.admit(served).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(second.read(&mut [0]).await.unwrap(), 0, "it was closed");
        drop(first);
        let (_third, served) = connect().await;
        assert!(doorman.admit(served).is_ok());
    }
}
