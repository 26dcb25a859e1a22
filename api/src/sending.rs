//! An answer on its way: what it holds until the client has it, or has had its time.
//!
//! A client that asks and does not read would else keep its answer in memory for as long as it
//! likes, outside all limits. The body is handed on in small pieces, so that no more than one of
//! them lies in the connection's buffers; it keeps its request's turn; and after [`SEND_TIME`] it
//! is given up, also where nobody polls it any more (an HTTP/2 window of zero).

use crate::limits::{ANSWER_SMALL_BYTES, SEND_PIECE_BYTES, SEND_TIME};
use crate::shares::Share;
use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;

/// What an answer holds while it is sent.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// One of all requests' turns; given back in time.
    pub(crate) turn: Option<OwnedSemaphorePermit>,
    /// One of its address's; given back when the client lets go.
    pub(crate) share: Option<Share>,
}

/// A body that is being sent.
#[derive(Debug)]
pub(crate) struct Sending {
    rest: Arc<Mutex<Option<Rest>>>,
    /// Gives it up in time.
    timer: Option<AbortHandle>,
    _share: Option<Share>,
}

#[derive(Debug)]
struct Rest {
    body: Body,
    /// Read, and not handed on.
    piece: Bytes,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Sending {
    /// `body` as it is sent; `endless`: a feed, which ends with its reader and has limits of its
    /// own.
    pub(crate) fn new(body: Body, held: Held, endless: bool) -> Self {
        Self::within(body, held, endless, SEND_TIME)
    }

    fn within(body: Body, held: Held, endless: bool, time: Duration) -> Self {
        let Held { turn, share } = held;
        let small = body.size_hint().upper();
        let small = small.is_some_and(|bytes| bytes <= ANSWER_SMALL_BYTES);
        let rest = Arc::new(Mutex::new(Some(Rest {
            body,
            piece: Bytes::new(),
            _turn: turn.filter(|_| !small && !endless),
        })));
        // What is small is bounded by its address's share alone.
        let timer = (!small && !endless).then(|| {
            let rest = Arc::clone(&rest);
            let late = tokio::spawn(async move {
                tokio::time::sleep(time).await;
                rest.lock().unwrap_or_else(PoisonError::into_inner).take();
            });
            late.abort_handle()
        });
        Self {
            rest,
            timer,
            _share: share,
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
        // The aborted task may live on for a moment.
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        drop(rest.take());
    }
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Rest { body, piece, .. }) = &mut *rest else {
            let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
            return Poll::Ready(Some(Err(axum::Error::new(late))));
        };
        if piece.is_empty() {
            match ready!(Pin::new(body).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => *piece = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
            }
        }
        let next = piece.split_to(piece.len().min(SEND_PIECE_BYTES));
        Poll::Ready(Some(Ok(Frame::data(next))))
    }

    fn is_end_stream(&self) -> bool {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.as_ref()
            .is_some_and(|rest| rest.piece.is_empty() && rest.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Rest { body, piece, .. }) = &*rest else {
            return SizeHint::default();
        };
        let read = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let (mut hint, of_body) = (SizeHint::new(), body.size_hint());
        hint.set_lower(of_body.lower().saturating_add(read));
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use tokio::sync::Semaphore;

    fn turn(of: &Arc<Semaphore>) -> Held {
        Held {
            turn: Arc::clone(of).try_acquire_owned().ok(),
            share: None,
        }
    }

    #[tokio::test]
    async fn an_answer_arrives_whole_in_small_pieces_and_then_gives_back_its_turn() {
        let turns = Arc::new(Semaphore::new(1));
        let answer: Vec<u8> = (0..=250).cycle().take(200_000).collect();
        let mut body = Sending::new(Body::from(answer.clone()), turn(&turns), false);
        assert_eq!(body.size_hint().exact(), Some(200_000));
        let mut got = Vec::new();
        while let Some(frame) = body.frame().await {
            assert_eq!(turns.available_permits(), 0);
            let piece = frame.unwrap().into_data().unwrap();
            assert!(piece.len() <= SEND_PIECE_BYTES);
            got.extend_from_slice(&piece);
        }
        assert_eq!(got, answer);
        drop(body);
        assert_eq!(turns.available_permits(), 1);
    }

    /// Nobody polls it, as where the client's window is shut.
    #[tokio::test(start_paused = true)]
    async fn an_answer_nobody_takes_is_given_up_in_time() {
        let turns = Arc::new(Semaphore::new(1));
        let mut body = Sending::new(Body::from(vec![7; 200_000]), turn(&turns), false);
        assert!(body.frame().await.unwrap().is_ok());
        // Time goes on by itself where nothing else is to be done.
        let turn = turns.acquire().await.unwrap();
        drop(turn);
        assert!(body.frame().await.unwrap().is_err(), "cut, not ended");
        assert!(!body.is_end_stream());
    }
}
