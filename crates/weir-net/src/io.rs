//! Connections as streams of bytes, and reading ahead on them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::frames::Frames;

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

/// So many bytes are read before others have their turn: whoever waits for them finds them in the cache.
const TURN: usize = 256 << 10;

/// Reads ahead into a buffer of at most the configured size, so that many small requests take few system calls.
///
/// The buffer begins small, doubles when one read has filled it, and is given back when reads leave most of it empty for a while, or
/// when the reader has room of its own: of large requests only the beginning goes through the buffer. So only connections that carry
/// many small requests at a time hold the configured size.
#[derive(Debug)]
pub(crate) struct ReadAhead<T> {
    inner: T,
    max: usize,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The last read filled the buffer.
    full: bool,
    small_reads: u8,
    /// Bytes read in this turn.
    turn: usize,
    /// Where frames end, if the reader is to get them one by one.
    frames: Option<Frames>,
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
            full: false,
            small_reads: 0,
            turn: 0,
            frames: None,
        }
    }
}

impl<T> ReadAhead<T> {
    /// Gives the reader one HTTP/2 frame at a time, from the preface on.
    ///
    /// h2 keeps the payloads of requests where it has read them. What it has read of the next frame by then it moves to a new place,
    /// which it makes too large; if it knows how long the frame will be, it makes room for that.
    pub(crate) fn by_frame(mut self) -> Self {
        self.frames = Some(Frames::new());
        self
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
            if this.turn >= TURN {
                this.turn = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if this.max == 0 || output.remaining() >= this.max.min(DIRECT) {
                return this.poll_direct(cx, output);
            }
            ready!(this.poll_ahead(cx))?;
        }
        let (ahead, room) = (&this.buffer[this.start..this.end], output.remaining());
        let portion = match &mut this.frames {
            None => &ahead[..room.min(ahead.len())],
            Some(frames) => {
                let portion = &ahead[..frames.portion(ahead, room)];
                frames.follow(portion, |_, _| true);
                portion
            }
        };
        output.put_slice(portion);
        this.start += portion.len();
        if this.start == this.end {
            this.adapt();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> ReadAhead<T> {
    /// Reads into the reader's own room.
    fn poll_direct(&mut self, cx: &mut Context<'_>, output: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = output.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, output);
        let read = &output.filled()[before..];
        if let Some(frames) = &mut self.frames {
            frames.follow(read, |_, _| true);
        }
        self.count(read.len());
        self.full = false;
        if self.buffer.len() > FIRST_BUFFER {
            self.buffer = Vec::new();
        }
        polled
    }

    /// Reads into the empty buffer.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let size = self.buffer.len();
        if self.buffer.is_empty() {
            self.buffer.resize(FIRST_BUFFER.min(self.max), 0);
        } else if self.full && size < self.max {
            self.buffer = vec![0; (size * 2).min(self.max)];
        }
        let mut ahead = ReadBuf::new(&mut self.buffer);
        let polled = Pin::new(&mut self.inner).poll_read(cx, &mut ahead);
        (self.start, self.end) = (0, ahead.filled().len());
        self.count(self.end);
        polled
    }
}

impl<T> ReadAhead<T> {
    /// Fits the empty buffer to the size of the last read.
    fn adapt(&mut self) {
        let size = self.buffer.len();
        self.full = self.end == size;
        let small = self.end < size / 8 && size > FIRST_BUFFER;
        self.small_reads = if small { self.small_reads + 1 } else { 0 };
        if self.small_reads == SMALL_READS {
            self.buffer = Vec::new();
            self.small_reads = 0;
        }
    }

    /// Counts bytes of this turn, which ends when there are none.
    fn count(&mut self, bytes: usize) {
        self.turn = if bytes == 0 { 0 } else { self.turn + bytes };
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

    #[tokio::test]
    async fn large_requests_pass_by_the_buffer() {
        let mut stream = ReadAhead::new(Reads(vec![usize::MAX; 20]), 512 << 10);
        let (mut head, mut rest) = (vec![0; FIRST_BUFFER], vec![0; 300 << 10]);
        for _ in 0..5 {
            assert_eq!(stream.read(&mut head).await.unwrap(), FIRST_BUFFER);
            assert_eq!(stream.read(&mut rest).await.unwrap(), 300 << 10);
            assert_eq!(stream.buffer.len(), FIRST_BUFFER);
        }
    }

    #[test]
    fn others_have_their_turn() {
        let mut stream = ReadAhead::new(Reads(vec![usize::MAX; 20]), 512 << 10);
        let mut sink = vec![0; DIRECT];
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let turns: Vec<_> = (0..12)
            .map(|_| {
                Pin::new(&mut stream)
                    .poll_read(&mut cx, &mut ReadBuf::new(&mut sink))
                    .is_ready()
            })
            .collect();
        let pauses: Vec<_> = (0..12).filter(|poll| !turns[*poll]).collect();
        assert_eq!(pauses, [TURN / DIRECT, 2 * TURN / DIRECT + 1]);
    }
}
