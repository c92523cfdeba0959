//! Answers of many streams in one write.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Writes only after the tasks that are ready have had their turn.
///
/// The requests of an HTTP/2 connection are tasks of their own, and often many are answered at the same time, as when a batch is
/// delivered. The first of them wakes the connection, which would write its answer at once, then be woken by the second. So the first
/// write of a flush steps back behind all that is ready: what they answer leaves in the same write, for the price of one more turn.
#[derive(Debug)]
pub(super) struct GatherWrites<T> {
    inner: T,
    /// False for protocols that answer one request at a time.
    on: bool,
    /// The turn that this flush has given away is over.
    waited: bool,
}

impl<T> GatherWrites<T> {
    pub(super) const fn new(inner: T, on: bool) -> Self {
        Self {
            inner,
            on,
            waited: false,
        }
    }

    fn poll_turn(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !self.on || std::mem::replace(&mut self.waited, true) {
            return Poll::Ready(());
        }
        // A task that wakes itself goes to the end of the queue.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for GatherWrites<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        output: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, output)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for GatherWrites<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(cx));
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.inner).poll_flush(cx));
        self.waited = false;
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(cx));
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn each_flush_gives_one_turn_away() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut stream = GatherWrites::new(Vec::new(), true);
        for _ in 0..2 {
            assert!(Pin::new(&mut stream).poll_write(&mut cx, b"answer").is_pending());
            for _ in 0..2 {
                assert!(Pin::new(&mut stream).poll_write(&mut cx, b"answer").is_ready());
            }
            assert!(Pin::new(&mut stream).poll_flush(&mut cx).is_ready());
        }
        let mut stream = GatherWrites::new(Vec::new(), false);
        assert!(Pin::new(&mut stream).poll_write(&mut cx, b"answer").is_ready());
    }
}
