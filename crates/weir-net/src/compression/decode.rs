//! Decoding of whole bodies, with caps.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

use super::Encoding;
use crate::aside;

/// Expansion beyond which a body is taken for a bomb, once its output has passed [`RATIO_FREE_BYTES`].
///
/// Telemetry is repetitive: real batches reach 10:1 to 50:1, synthetic load some hundreds. gzip cannot exceed 1032:1, zstd has
/// no bound worth the name (1 GiB of zeros is 33 kB).
pub const MAX_RATIO: usize = 500;

/// Output that every body may have whatever its ratio, within the caller's limit: 16 MiB. Small bodies of identical points
/// compress without bound and harm nobody.
pub const RATIO_FREE_BYTES: usize = 16 << 20;

/// Compressed size above which [`Encoding::decode_off_reactor`] moves to a blocking thread: 64 KiB, some hundred
/// microseconds of work at the 700 MB/s of gzip and a usual ratio.
pub const OFFLOAD_BYTES: usize = 64 << 10;

/// Largest zstd window accepted: 8 MiB (RFC 8878, section 3.1.1.1.2).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The output buffer starts at this many times the input, a usual ratio, and doubles from there.
const FIRST_GUESS_RATIO: usize = 4;

/// The output buffer grows by at least this many bytes at a time.
const MIN_STEP: usize = 16 << 10;

/// No snappy element yields more than 64 bytes from 3; a declared length beyond this ratio is a lie.
const SNAPPY_MAX_RATIO: usize = 32;

/// First bytes of a framed snappy stream: chunk type, length and `sNaPpY` (framing format, section 4.1).
const SNAPPY_STREAM_IDENTIFIER: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// First bytes of an lz4 frame.
const LZ4_MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// Why a body could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The decoded body is, or declares to be, larger than the caller's limit.
    #[error("decompressed body exceeds the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body expands like a decompression bomb.
    #[error("body expands more than {MAX_RATIO} times")]
    RatioExceeded,
    /// The body is not what its coding says.
    #[error("malformed {encoding} body: {reason}")]
    Malformed {
        /// The coding.
        encoding: Encoding,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody here decodes this.
    #[error("unsupported encoding `{name}`")]
    Unsupported {
        /// The coding as the peer wrote it, cut at 64 characters.
        name: String,
    },
}

impl DecodeError {
    fn malformed(encoding: Encoding, reason: impl ToString) -> Self {
        Self::Malformed {
            encoding,
            reason: reason.to_string(),
        }
    }
}

impl Encoding {
    /// Decodes a whole body. Identity returns the bytes themselves.
    ///
    /// `limit` bounds the decoded size in bytes. Memory in use stays within about twice the smaller of the limit and the
    /// output, plus the fixed state of the coding (at most 8 MiB of window for zstd, 13 MiB of blocks for lz4).
    ///
    /// # Errors
    ///
    /// See [`DecodeError`]. An empty body is malformed in every coding but identity.
    pub fn decode(&self, body: Bytes, limit: usize) -> Result<Bytes, DecodeError> {
        if *self == Self::Identity {
            return if body.len() > limit {
                Err(DecodeError::TooLarge { limit })
            } else {
                Ok(body)
            };
        }
        if body.is_empty() {
            return Err(DecodeError::malformed(*self, "empty"));
        }
        let output = Output {
            encoding: *self,
            input_len: body.len(),
            limit,
            bytes: Vec::new(),
        };
        let input = &body[..];
        match self {
            Self::Identity => Ok(body),
            Self::Gzip => output.inflate(input, Decompress::new_gzip(15)),
            Self::Zlib => output.inflate(input, Decompress::new(true)),
            Self::Deflate => output.inflate(input, Decompress::new(has_zlib_header(input))),
            Self::Zstd => output.zstd(input),
            Self::Snappy if input.starts_with(SNAPPY_STREAM_IDENTIFIER) => output.snappy_framed(input),
            Self::Snappy => output.snappy(input),
            Self::SnappyFramed => output.snappy_framed(input),
            Self::Lz4 => output.lz4(input),
        }
    }

    /// Decodes like [`decode`](Self::decode), on a blocking thread if the body is longer than [`OFFLOAD_BYTES`].
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode); a decoder that fails inside (which would be a bug) counts as malformed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the body; a blocking thread at work finishes and its result is discarded.
    pub async fn decode_off_reactor(self, body: Bytes, limit: usize) -> Result<Bytes, DecodeError> {
        if self == Self::Identity || body.len() <= OFFLOAD_BYTES {
            return self.decode(body, limit);
        }
        aside(move || self.decode(body, limit))
            .await
            .unwrap_or_else(|_| Err(DecodeError::malformed(self, "decoder failed")))
    }
}

/// Returns true if `input` begins with a zlib header: method 8 and a valid check (RFC 1950, section 2.2).
fn has_zlib_header(input: &[u8]) -> bool {
    match input {
        [cmf, flg, ..] => cmf & 0x0f == 8 && u16::from_be_bytes([*cmf, *flg]).is_multiple_of(31),
        _ => false,
    }
}

/// The decoded bytes so far and what bounds them.
struct Output {
    encoding: Encoding,
    input_len: usize,
    limit: usize,
    bytes: Vec<u8>,
}

impl Output {
    /// Checks a decoded size, reached or declared.
    fn check(&self, len: usize) -> Result<(), DecodeError> {
        if len > self.limit {
            return Err(DecodeError::TooLarge { limit: self.limit });
        }
        if len > RATIO_FREE_BYTES && len / MAX_RATIO > self.input_len {
            return Err(DecodeError::RatioExceeded);
        }
        Ok(())
    }

    /// Makes room for the next step of output: as much again as is there, but never more than one byte beyond the limit, which
    /// is enough to notice that it was passed.
    fn grow(&mut self) -> Result<usize, DecodeError> {
        self.check(self.bytes.len())?;
        let wanted = if self.bytes.is_empty() {
            self.input_len.saturating_mul(FIRST_GUESS_RATIO)
        } else {
            self.bytes.len()
        };
        let left = self.limit.saturating_add(1) - self.bytes.len();
        let step = wanted.max(MIN_STEP).min(left);
        self.bytes.reserve_exact(step);
        Ok(step)
    }

    fn malformed(&self, reason: impl ToString) -> DecodeError {
        DecodeError::malformed(self.encoding, reason)
    }

    /// Checks the whole output and gives back memory that it does not need.
    fn finish(self) -> Result<Bytes, DecodeError> {
        self.check(self.bytes.len())?;
        let mut bytes = self.bytes;
        // Batches may wait in queues for long: what they hold should be what they are.
        if bytes.capacity() - bytes.len() > bytes.len() / 4 {
            bytes.shrink_to_fit();
        }
        Ok(Bytes::from(bytes))
    }

    /// Decodes gzip members or one zlib or deflate stream, to the last byte of the input.
    fn inflate(mut self, mut input: &[u8], mut state: Decompress) -> Result<Bytes, DecodeError> {
        loop {
            if self.bytes.len() == self.bytes.capacity() {
                self.grow()?;
            }
            let (consumed, produced) = (state.total_in(), self.bytes.len());
            let status = state
                .decompress_vec(input, &mut self.bytes, FlushDecompress::None)
                .map_err(|error| self.malformed(error))?;
            let consumed = usize::try_from(state.total_in() - consumed).unwrap_or(input.len());
            input = &input[consumed..];
            match status {
                Status::StreamEnd if input.is_empty() => return self.finish(),
                Status::StreamEnd if self.encoding == Encoding::Gzip => state = Decompress::new_gzip(15),
                Status::StreamEnd => return Err(self.malformed("bytes after the end of the stream")),
                Status::Ok | Status::BufError => {
                    let full = self.bytes.len() == self.bytes.capacity();
                    if !full && consumed == 0 && self.bytes.len() == produced {
                        return Err(self.malformed("truncated"));
                    }
                }
            }
        }
    }

    /// Reads a decoder to its end.
    fn read_to_end(mut self, mut reader: impl Read) -> Result<Bytes, DecodeError> {
        loop {
            let step = self.grow()?;
            let read = reader
                .by_ref()
                .take(step as u64)
                .read_to_end(&mut self.bytes)
                .map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => self.malformed("truncated"),
                    _ => self.malformed(error),
                })?;
            if read < step {
                return self.finish();
            }
        }
    }

    fn zstd(self, input: &[u8]) -> Result<Bytes, DecodeError> {
        // The size of the first frame, if its header has it. A lie shows when the frame is decoded.
        if let Ok(Some(declared)) = zstd::zstd_safe::get_frame_content_size(input) {
            self.check(usize::try_from(declared).unwrap_or(usize::MAX))?;
        }
        let mut reader =
            zstd::stream::read::Decoder::with_buffer(input).map_err(|error| self.malformed(error))?;
        reader
            .window_log_max(ZSTD_WINDOW_LOG_MAX)
            .map_err(|error| self.malformed(error))?;
        self.read_to_end(reader)
    }

    fn snappy(mut self, input: &[u8]) -> Result<Bytes, DecodeError> {
        let declared = snap::raw::decompress_len(input).map_err(|error| self.malformed(error))?;
        self.check(declared)?;
        if declared / SNAPPY_MAX_RATIO > input.len() {
            return Err(self.malformed("declared length is impossible"));
        }
        self.bytes = snap::raw::Decoder::new()
            .decompress_vec(input)
            .map_err(|error| self.malformed(error))?;
        self.finish()
    }

    fn snappy_framed(self, input: &[u8]) -> Result<Bytes, DecodeError> {
        self.read_to_end(snap::read::FrameDecoder::new(input))
    }

    fn lz4(self, input: &[u8]) -> Result<Bytes, DecodeError> {
        // The decoder takes an input that ends between two blocks for complete.
        if !lz4_frames_are_complete(input) {
            return Err(self.malformed("truncated or not an lz4 frame"));
        }
        // Frame descriptor: magic, flags (bit 3: content size present), block size, then 8 bytes of size.
        if let [_, _, _, _, flags, _, size @ ..] = input
            && flags & 0b1000 != 0
            && let Some(size) = size.first_chunk::<8>()
        {
            self.check(usize::try_from(u64::from_le_bytes(*size)).unwrap_or(usize::MAX))?;
        }
        self.read_to_end(lz4_flex::frame::FrameDecoder::new(input))
    }
}

/// Hops over the blocks of the frames in `input`, to see that the last one has its end mark.
///
/// Spec: "LZ4 Frame Format Description", 1.6.
fn lz4_frames_are_complete(mut input: &[u8]) -> bool {
    fn skip(input: &[u8], len: usize) -> Option<&[u8]> {
        input.get(len..)
    }

    fn frame(input: &[u8]) -> Option<&[u8]> {
        let (magic, rest) = input.split_first_chunk::<4>()?;
        let flags = usize::from(*rest.first()?);
        if *magic != LZ4_MAGIC {
            return None;
        }
        let [block_checksum, content_size, content_checksum, dictionary] =
            [4, 3, 2, 0].map(|bit| flags >> bit & 1);
        // Flags, block size, optional content size and dictionary, header checksum.
        let mut rest = skip(rest, 2 + 8 * content_size + 4 * dictionary + 1)?;
        loop {
            let (size, blocks) = rest.split_first_chunk::<4>()?;
            // The highest bit says that the block is not compressed.
            let size = usize::try_from(u32::from_le_bytes(*size) & 0x7fff_ffff).ok()?;
            if size == 0 {
                return skip(blocks, 4 * content_checksum);
            }
            rest = skip(blocks, size.checked_add(4 * block_checksum)?)?;
        }
    }

    while !input.is_empty() {
        let Some(rest) = frame(input) else { return false };
        input = rest;
    }
    true
}
