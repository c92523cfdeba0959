//! Snappy in the block format, the only compression of remote write.

/// Compresses request after request with one set of tables.
#[derive(Debug)]
pub struct Compressor(snap::raw::Encoder);

impl Default for Compressor {
    fn default() -> Self {
        Self(snap::raw::Encoder::new())
    }
}

/// A request beyond snappy's 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("request of {0} bytes is too large for snappy")]
pub struct TooLarge(pub usize);

impl Compressor {
    /// Returns a new compressor.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the content of `out` with `raw` as one snappy block.
    ///
    /// # Errors
    /// [`TooLarge`] for more than 2^32 - 1 bytes; `out` is then empty.
    pub fn compress(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), TooLarge> {
        out.clear();
        // 0 says that the input is too large; an empty input needs one byte.
        let bound = snap::raw::max_compress_len(raw.len());
        out.resize(bound, 0);
        let written = self.0.compress(raw, out).ok().filter(|_| bound > 0);
        out.truncate(written.unwrap_or(0));
        written.map(|_| ()).ok_or(TooLarge(raw.len()))
    }
}
