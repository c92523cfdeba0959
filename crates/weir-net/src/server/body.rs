//! Reading the body of a request, within bounds.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::Body as HttpBody;

use super::config::AcceptedEncodings;
use crate::collect::{self, CollectError};
use crate::compression::{DecodeError, Encoding};

/// How the bodies of requests are read and decoded.
#[derive(Debug, Clone)]
pub struct BodyPolicy {
    /// Largest body in bytes, on the wire and decoded.
    pub max_bytes: usize,
    /// Content codings accepted.
    pub accepted: AcceptedEncodings,
    /// Longest time to read a body.
    pub timeout: Option<Duration>,
}

/// A body that has been announced and not yet read.
#[derive(Debug, Clone)]
pub struct Announced<'a> {
    policy: &'a BodyPolicy,
    /// Bytes on the wire, if the header says.
    pub wire: Option<usize>,
    /// How they are coded.
    pub encoding: Encoding,
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than allowed, on the wire or decoded.
    #[error("request body exceeds the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body is in a coding that the configuration does not accept.
    #[error("content encoding `{0}` is not accepted")]
    NotAccepted(Encoding),
    /// The body cannot be decoded.
    #[error(transparent)]
    Decode(DecodeError),
    /// The body did not arrive in time.
    #[error("request body was not received in time")]
    Timeout,
    /// The connection failed, or the body is shorter than announced.
    #[error("cannot read request body")]
    Read(#[source] weir_component::BoxError),
}

impl BodyPolicy {
    /// Looks at the headers of a request: everything that can be refused before the body is read is refused here.
    ///
    /// # Errors
    ///
    /// Codings that are unknown or not accepted, and announced lengths beyond the limit.
    pub fn announced(&self, headers: &HeaderMap) -> Result<Announced<'_>, BodyError> {
        let encoding = if self.accepted.is_raw() {
            Encoding::Identity
        } else {
            let name = headers
                .get(header::CONTENT_ENCODING)
                .map(|value| String::from_utf8_lossy(value.as_bytes()));
            let encoding = Encoding::from_name(&name.unwrap_or_default()).map_err(BodyError::Decode)?;
            if !self.accepted.contains(encoding) {
                return Err(BodyError::NotAccepted(encoding));
            }
            encoding
        };
        let length = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok());
        let wire = length.and_then(|length| length.parse().ok());
        if wire.is_some_and(|wire| wire > self.max_bytes) {
            return Err(BodyError::TooLarge {
                limit: self.max_bytes,
            });
        }
        Ok(Announced {
            policy: self,
            wire,
            encoding,
        })
    }
}

impl Announced<'_> {
    /// Returns how many bytes the body may need on the wire: as announced, or else the limit.
    pub fn max_wire_bytes(&self) -> usize {
        self.wire.unwrap_or(self.policy.max_bytes)
    }

    /// Reads and decodes the body; large compressed bodies are decoded on a blocking thread.
    ///
    /// # Errors
    ///
    /// See [`BodyError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the body.
    pub async fn read<B>(&self, body: B) -> Result<Bytes, BodyError>
    where
        B: HttpBody<Data = Bytes> + Unpin,
        B::Error: Into<weir_component::BoxError>,
    {
        let limit = self.policy.max_bytes;
        let reading = collect::whole(body, limit, self.wire);
        let wire = match self.policy.timeout {
            None => reading.await,
            Some(timeout) => tokio::time::timeout(timeout, reading)
                .await
                .map_err(|_| BodyError::Timeout)?,
        };
        let wire = wire.map_err(|error| match error {
            CollectError::TooLarge => BodyError::TooLarge { limit },
            CollectError::Body(error) => BodyError::Read(error),
        })?;
        self.encoding
            .decode_off_reactor(wire, limit)
            .await
            .map_err(|error| match error {
                DecodeError::TooLarge { limit } => BodyError::TooLarge { limit },
                error => BodyError::Decode(error),
            })
    }
}
