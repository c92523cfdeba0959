//! The body that Weir's servers answer with and its clients send: bytes at hand, perhaps bytes to come, then perhaps trailers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

/// Frames that wait to be sent; whoever feeds a body waits for the peer.
const LIVE_FRAMES: usize = 1;

/// A body: chunks of bytes in order, then what a [`Feed`] gives if there is one, then trailers if there are any.
///
/// Cloning shares the bytes. Of a body that is fed, only one clone gets what the feed gives: answers are not cloned.
#[derive(Debug, Clone, Default)]
pub struct Body {
    chunks: VecDeque<Bytes>,
    /// What is still to come; none once it has ended.
    live: Option<Arc<Mutex<mpsc::Receiver<Fed>>>>,
    trailers: Option<HeaderMap>,
}

/// What a feed gives.
#[derive(Debug)]
enum Fed {
    Data(Bytes),
    Trailers(HeaderMap),
}

/// Gives a [`Body`] its bytes while it is sent. Dropping it ends the body without trailers.
#[derive(Debug)]
pub struct Feed(mpsc::Sender<Fed>);

/// The peer takes no more of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the peer takes no more")]
pub struct Gone;

impl Feed {
    /// Gives a frame of data; waits until the one before is taken.
    ///
    /// # Errors
    ///
    /// [`Gone`]: nothing more can be sent.
    ///
    /// # Cancel safety
    ///
    /// The frame is given or not.
    pub async fn data(&self, data: Bytes) -> Result<(), Gone> {
        self.0.send(Fed::Data(data)).await.map_err(|_| Gone)
    }

    /// Ends the body with trailers.
    ///
    /// # Errors
    ///
    /// [`Gone`]: nobody takes them.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: the body may end without the trailers.
    pub async fn finish(self, trailers: HeaderMap) -> Result<(), Gone> {
        self.0.send(Fed::Trailers(trailers)).await.map_err(|_| Gone)
    }

    /// Waits until the peer takes no more.
    ///
    /// # Cancel safety
    ///
    /// Waiting changes nothing.
    pub async fn gone(&self) {
        self.0.closed().await;
    }
}

impl Body {
    /// A body without bytes and trailers.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A body of the given chunks. Each becomes one data frame; empty ones are left out.
    pub fn from_chunks(chunks: impl Into<VecDeque<Bytes>>) -> Self {
        let mut chunks = chunks.into();
        chunks.retain(|chunk| !chunk.is_empty());
        Self {
            chunks,
            ..Self::default()
        }
    }

    /// Returns true if bytes are still to come from a [`Feed`].
    pub(crate) const fn is_fed(&self) -> bool {
        self.live.is_some()
    }

    /// A body whose bytes come while it is sent.
    pub fn live() -> (Feed, Self) {
        let (feed, fed) = mpsc::channel(LIVE_FRAMES);
        let body = Self {
            live: Some(Arc::new(Mutex::new(fed))),
            ..Self::default()
        };
        (Feed(feed), body)
    }

    /// Adds trailers.
    #[must_use]
    pub fn with_trailers(mut self, trailers: HeaderMap) -> Self {
        self.trailers = Some(trailers);
        self
    }

    /// Returns the bytes at hand that are left to send, without trailers.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    /// Returns true if no bytes at hand are left to send.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::from_chunks([bytes])
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::from(Bytes::from_static(text.as_bytes()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(data) = self.chunks.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(live) = &self.live {
            let fed = ready!(live.lock().unwrap_or_else(PoisonError::into_inner).poll_recv(cx));
            match fed {
                Some(Fed::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Fed::Trailers(trailers)) => self.trailers = Some(trailers),
                None => {}
            }
            self.live = None;
        }
        Poll::Ready(self.trailers.take().map(Frame::trailers).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty() && self.live.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // With trailers there is no need for a `content-length`, which hyper makes of this.
        match (&self.live, &self.trailers) {
            (None, None) => SizeHint::with_exact(self.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
