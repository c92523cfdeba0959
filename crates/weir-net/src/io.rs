//! Connections as streams of bytes, and reading ahead on them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream of any make.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A read buffer starts with this many bytes and returns to it when the peer sends little.
const FIRST_BUFFER: usize = 8 << 10;

/// A buffer is given back after this many reads in a row that left most of it empty. Between large requests there are a few small
/// reads (headers, window updates), which should not cost a new buffer.
const SMALL_READS: u8 = 32;

/// Room for so many bytes is read into directly: one more system call costs less than a copy of them.
const DIRECT: usize = 64 << 10;

/// Reads ahead into a buffer of at most the configured size, so that a large request takes few system calls.
///
/// The buffer begins small, doubles whenever one read fills it, and is given back when reads leave most of it empty for a while. So
/// only connections that carry large requests hold the configured size.
#[derive(Debug)]
pub(crate) struct ReadAhead<T> {
    inner: T,
    max: usize,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    small_reads: u8,
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
            small_reads: 0,
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
            if this.max == 0 || output.remaining() >= this.max.min(DIRECT) {
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
            this.adapt();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T> ReadAhead<T> {
    /// Fits the empty buffer to the size of the last read.
    fn adapt(&mut self) {
        let size = self.buffer.len();
        let small = self.end < size / 8 && size > FIRST_BUFFER;
        self.small_reads = if small { self.small_reads + 1 } else { 0 };
        if self.end == size && size < self.max {
            self.buffer = vec![0; (size * 2).min(self.max)];
        } else if self.small_reads == SMALL_READS {
            self.buffer = Vec::new();
            self.small_reads = 0;
        }
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Yields reads of the given sizes.
    struct Reads(Vec<usize>);

    impl AsyncRead for Reads {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            output: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let size = self.0.pop().unwrap_or(0).min(output.remaining());
            output.put_slice(&vec![7; size]);
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn buffers_follow_the_traffic() {
        let max = 64 << 10;
        let mut small = vec![10; usize::from(SMALL_READS) + 1];
        small.extend([usize::MAX; 5]);
        let mut stream = ReadAhead::new(Reads(small), max);
        let mut sink = vec![0; 1000];
        let mut largest = 0;
        while stream.read(&mut sink).await.unwrap() > 0 {
            largest = largest.max(stream.buffer.len());
        }
        assert_eq!(largest, max);
        assert!(stream.buffer.len() <= FIRST_BUFFER);
    }
}
