//! Snappy in the block format, the only compression of remote write.

/// Why no request is [`TooLarge`].
pub(crate) const FITS: &str =
    "a request is far below 4 GiB: a batch fits into memory budgets and HTTP bodies";

/// Returns a block without the length of its message, which comes first.
pub(crate) fn elements(block: &[u8]) -> &[u8] {
    let length = block
        .iter()
        .position(|byte| *byte < 0x80)
        .map_or(0, |last| last + 1);
    &block[length..]
}

/// Compresses request after request with one set of tables and one buffer.
#[derive(Debug)]
pub struct Compressor {
    encoder: snap::raw::Encoder,
    /// Only ever grows: what is in it is overwritten.
    block: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self {
            encoder: snap::raw::Encoder::new(),
            block: Vec::new(),
        }
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

    /// Returns `raw` as one snappy block, which is valid until the next call.
    ///
    /// # Errors
    /// [`TooLarge`] for more than 2^32 - 1 bytes.
    pub fn compress(&mut self, raw: &[u8]) -> Result<&[u8], TooLarge> {
        // 0 says that the input is too large; an empty input needs one byte.
        let bound = snap::raw::max_compress_len(raw.len());
        if self.block.len() < bound {
            self.block.resize(bound, 0);
        }
        let written = self
            .encoder
            .compress(raw, &mut self.block)
            .ok()
            .filter(|_| bound > 0);
        written.map(|len| &self.block[..len]).ok_or(TooLarge(raw.len()))
    }
}
