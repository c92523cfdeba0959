//! Compression and JSON of requests, both ways, bounded on the way in.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use weir_pdata::json::{self, Document};
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;

use crate::count::Signal;

/// Compression of an OTLP request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Plain bytes.
    #[default]
    None,
    /// gzip at level 6, the level that clients use unless told otherwise.
    Gzip,
    /// zstd at level 1.
    Zstd,
}

impl Compression {
    /// Returns the name for `content-encoding` and `grpc-encoding`; none for plain bytes.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// Returns the compression with this name.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "" | "identity" => Some(Self::None),
            "gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Appends `input`, compressed, to `output`.
    ///
    /// # Errors
    /// None that writing into memory can raise, save when memory ends.
    pub fn compress(self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::None => output.extend_from_slice(input),
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(output, flate2::Compression::new(6));
                encoder.write_all(input)?;
                encoder.finish()?;
            }
            Self::Zstd => zstd::stream::copy_encode(input, output, 1)?,
        }
        Ok(())
    }

    /// Returns `input` decompressed.
    ///
    /// # Errors
    /// Damaged input, or output beyond `limit` bytes.
    pub fn decompress(self, input: &[u8], limit: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::None => read_limited(input, limit),
            Self::Gzip => read_limited(flate2::read::MultiGzDecoder::new(input), limit),
            Self::Zstd => read_limited(zstd::stream::read::Decoder::with_buffer(input)?, limit),
        }
    }
}

fn read_limited(reader: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut output)?;
    if output.len() > limit {
        return Err(io::Error::other("decompressed body is above the limit"));
    }
    Ok(output)
}

/// Returns a snappy block decompressed.
///
/// # Errors
/// Damaged input, or a declared length beyond `limit` bytes.
pub fn decompress_snappy(input: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    if snap::raw::decompress_len(input)? > limit {
        return Err(io::Error::other("decompressed body is above the limit"));
    }
    Ok(snap::raw::Decoder::new().decompress_vec(input)?)
}

/// Returns an OTLP request in its JSON form.
///
/// # Errors
/// When it is no such request.
pub fn to_json(signal: Signal, request: &[u8]) -> io::Result<Vec<u8>> {
    fn text<T: prost::Message + Default + Document>(request: &[u8]) -> io::Result<Vec<u8>> {
        T::decode(request)
            .map(|request| json::encode(&request))
            .map_err(io::Error::other)
    }
    match signal {
        Signal::Metrics => text::<ExportMetricsServiceRequest>(request),
        Signal::Traces => text::<ExportTraceServiceRequest>(request),
        Signal::Logs => text::<ExportLogsServiceRequest>(request),
    }
}

/// Returns an OTLP request in its protobuf form.
///
/// # Errors
/// When the text is no such request.
pub fn from_json(signal: Signal, text: &[u8]) -> io::Result<Vec<u8>> {
    fn request<T: prost::Message + Document>(text: &[u8]) -> io::Result<Vec<u8>> {
        let request: T = json::decode(text).map_err(io::Error::other)?;
        Ok(request.encode_to_vec())
    }
    match signal {
        Signal::Metrics => request::<ExportMetricsServiceRequest>(text),
        Signal::Traces => request::<ExportTraceServiceRequest>(text),
        Signal::Logs => request::<ExportLogsServiceRequest>(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back_and_never_beyond_the_limit() {
        let input = vec![7; 10_000];
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let mut output = Vec::new();
            compression.compress(&input, &mut output).unwrap();
            assert_eq!(compression.decompress(&output, 10_000).unwrap(), input);
            assert!(compression.decompress(&output, 9_999).is_err());
            assert_eq!(
                Compression::of(compression.name().unwrap_or("identity")),
                Some(compression)
            );
        }
        assert_eq!(Compression::of("br"), None);
    }

    #[test]
    fn a_snappy_block_that_declares_too_much_is_refused_unread() {
        let block = snap::raw::Encoder::new().compress_vec(&[7; 100]).unwrap();
        assert_eq!(decompress_snappy(&block, 100).unwrap(), [7; 100]);
        assert!(decompress_snappy(&block, 99).is_err());
        assert!(decompress_snappy(b"\xff\xff\xff\xff\x0f", 1 << 20).is_err());
    }
}
