//! Content codings of request and response bodies: one decoder and one encoder for HTTP and gRPC alike.
//!
//! Owns the codings, the caps against decompression bombs and the reuse of encoder state. It does not know headers beyond the
//! name of a coding, nor what the bytes mean.
//!
//! # Caps
//!
//! [`Encoding::decode`] refuses a body as soon as one of these is passed, before memory for the excess is allocated:
//!
//! - the caller's limit on the decoded size, checked against the size that the format declares (snappy, zstd, lz4) first;
//! - a ratio of [`MAX_RATIO`] to 1 once the output passes [`RATIO_FREE_BYTES`];
//! - a zstd window of 8 MiB (window log 23), the largest that RFC 8878 asks every decoder to support.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::de;

pub use decode::{DecodeError, MAX_RATIO, OFFLOAD_BYTES, RATIO_FREE_BYTES};
pub use encode::{EncodeError, Encoder};

/// How the bytes of a body are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As they are.
    Identity,
    /// RFC 1952, one or several members in a row.
    Gzip,
    /// RFC 1950, under the name `zlib`.
    Zlib,
    /// RFC 1950 under its HTTP name `deflate` (RFC 9110, section 8.4.1.2). Bare RFC 1951 streams are decoded too: many
    /// senders mean those.
    Deflate,
    /// RFC 8878.
    Zstd,
    /// The snappy block format. The framed format is recognised by its stream identifier when decoding.
    Snappy,
    /// The snappy framed format.
    SnappyFramed,
    /// The LZ4 frame format.
    Lz4,
}

impl Encoding {
    /// Every coding, in the order in which servers offer them.
    pub const ALL: [Self; 8] = [
        Self::Identity,
        Self::Gzip,
        Self::Zstd,
        Self::Zlib,
        Self::Snappy,
        Self::Deflate,
        Self::Lz4,
        Self::SnappyFramed,
    ];

    /// Returns the name in `Content-Encoding` and `grpc-encoding`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::SnappyFramed => "x-snappy-framed",
            Self::Lz4 => "lz4",
        }
    }

    /// Finds a coding by its name in a header, ignoring case; the empty name is identity.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Unsupported`] with the name. Lists such as `gzip, gzip` are unsupported as well.
    pub fn from_name(name: &str) -> Result<Self, DecodeError> {
        let name = name.trim();
        if name.is_empty() {
            return Ok(Self::Identity);
        }
        Self::ALL
            .into_iter()
            .find(|encoding| encoding.as_str().eq_ignore_ascii_case(name))
            .ok_or_else(|| DecodeError::Unsupported {
                name: name.chars().take(64).collect(),
            })
    }

    /// Reads the name as configurations write it: exact, and `""` for identity.
    pub(crate) fn from_config<E: de::Error>(name: &str) -> Result<Self, E> {
        let known = Self::ALL.into_iter().find(|encoding| match encoding {
            Self::Identity => name.is_empty(),
            encoding => encoding.as_str() == name,
        });
        known.ok_or_else(|| {
            let names: Vec<_> = Self::ALL
                .iter()
                .skip(1)
                .map(|encoding| encoding.as_str())
                .collect();
            E::custom(format_args!(
                "unknown compression `{name}`, expected one of {}",
                names.join(", ")
            ))
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
