//! How much may be remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Upper bounds of a [`Budget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most streams.
    pub streams: usize,
    /// Most bytes.
    pub bytes: usize,
}

impl Limits {
    /// Returns limits as options give them: 0 bytes are as many as there are, and so is more than an address can count.
    pub fn of(streams: u64, bytes: u64) -> Self {
        let most = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            streams: most(streams),
            bytes: match bytes {
                0 => usize::MAX,
                bytes => most(bytes),
            },
        }
    }
}

/// Counts streams and bytes of several tables against common limits.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    streams: AtomicUsize,
    bytes: AtomicUsize,
    /// The budget whose bytes these are, if it is another.
    beside: Option<Arc<Self>>,
}

/// There is no room for one more stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// There are as many streams as there may be.
    #[error("limit of streams reached")]
    Streams,
    /// Streams take as many bytes as they may.
    #[error("limit of bytes reached")]
    Bytes,
}

impl Budget {
    /// Makes an empty budget.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            streams: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            beside: None,
        }
    }

    /// Makes a budget for more that is remembered of the streams of another: it counts its own streams, and takes its bytes from the
    /// other.
    pub fn beside(other: &Arc<Self>) -> Self {
        Self {
            beside: Some(Arc::clone(other)),
            ..Self::new(other.limits)
        }
    }

    /// Returns where bytes are counted.
    fn counted(&self) -> &AtomicUsize {
        self.beside.as_ref().map_or(&self.bytes, |other| other.counted())
    }

    /// Returns the limits.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Returns the number of streams now.
    pub fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }

    /// Returns the bytes now.
    pub fn bytes(&self) -> usize {
        self.counted().load(Ordering::Relaxed)
    }

    /// Takes room for one stream more.
    ///
    /// # Errors
    ///
    /// [`Full`]: nothing was taken; refuse the stream.
    pub fn admit(&self, bytes: usize) -> Result<(), Full> {
        if self.streams.fetch_add(1, Ordering::Relaxed) >= self.limits.streams {
            self.streams.fetch_sub(1, Ordering::Relaxed);
            return Err(Full::Streams);
        }
        let before = self.counted().fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.limits.bytes {
            self.counted().fetch_sub(bytes, Ordering::Relaxed);
            self.streams.fetch_sub(1, Ordering::Relaxed);
            return Err(Full::Bytes);
        }
        Ok(())
    }

    /// Takes room for a stream that is there already, for example one restored under smaller limits: it is counted, never refused.
    pub fn admit_known(&self, bytes: usize) {
        self.streams.fetch_add(1, Ordering::Relaxed);
        self.counted().fetch_add(bytes, Ordering::Relaxed);
    }

    /// Notes that what is remembered of known streams takes `after` bytes instead of `before`. May go beyond the limit: live streams
    /// are never refused.
    pub fn resize(&self, before: usize, after: usize) {
        if after >= before {
            self.counted().fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.counted().fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    /// Takes bytes for something beside streams if there is room.
    ///
    /// # Errors
    ///
    /// [`Full`]: nothing was taken.
    pub fn reserve(&self, bytes: usize) -> Result<(), Full> {
        let before = self.counted().fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.limits.bytes {
            self.counted().fetch_sub(bytes, Ordering::Relaxed);
            return Err(Full::Bytes);
        }
        Ok(())
    }

    /// Gives back the room of one stream.
    pub fn release(&self, bytes: usize) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
        self.counted().fetch_sub(bytes, Ordering::Relaxed);
    }
}
