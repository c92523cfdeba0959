//! Reading ahead on connections.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A read buffer starts with this many bytes and returns to it when the peer sends little.
const FIRST_BUFFER: usize = 8 << 10;

/// Reads ahead into a buffer of at most the configured size, so that a large request takes few system calls.
///
/// The buffer doubles whenever one read fills it and is given back when a read leaves most of it empty, so idle connections hold
/// 8 KiB whatever the configuration says.
#[derive(Debug)]
pub(crate) struct ReadAhead<T> {
    inner: T,
    max: usize,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<T> ReadAhead<T> {
    /// Wraps a stream; `max` 0 reads directly.
    pub(crate) fn new(inner: T, max: usize) -> Self {
        Self {
            inner,
            max,
            buffer: Vec::new(),
            start: 0,
            end: 0,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ReadAhead<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        output: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.start == this.end {
            if this.max == 0 || output.remaining() >= this.max {
                return Pin::new(&mut this.inner).poll_read(cx, output);
            }
            if this.buffer.is_empty() {
                this.buffer.resize(FIRST_BUFFER.min(this.max), 0);
            }
            let mut ahead = ReadBuf::new(&mut this.buffer);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut ahead))?;
            (this.start, this.end) = (0, ahead.filled().len());
        }
        let len = output.remaining().min(this.end - this.start);
        output.put_slice(&this.buffer[this.start..this.start + len]);
        this.start += len;
        if this.start == this.end {
            let size = this.buffer.len();
            if this.end == size && size < this.max {
                this.buffer = vec![0; (size * 2).min(this.max)];
            } else if this.end < size / 8 && size > FIRST_BUFFER {
                this.buffer = Vec::new();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ReadAhead<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
