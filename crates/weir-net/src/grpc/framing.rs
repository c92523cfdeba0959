//! Length-prefixed messages: reading one from a body, writing one into a body.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body as HttpBody;

use super::{Code, ENCODINGS, Status};
use crate::collect::FIRST_ALLOCATION;
use crate::compression::{DecodeError, Encoder, Encoding};

/// Flag byte and big-endian length in front of every message.
const PREFIX_BYTES: usize = 5;

/// What is known of a message before its bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageSize {
    /// Bytes on the wire, without the prefix.
    pub wire: usize,
    /// How they are coded. Identity: the message has `wire` bytes in memory too.
    pub encoding: Encoding,
    /// Upper bound of the decoded message in bytes, the configured limit.
    pub limit: usize,
}

/// Reads the one message of a unary request or response.
pub(super) struct Reader<B> {
    body: B,
    /// What was received and not taken yet.
    rest: Bytes,
    trailers: Option<HeaderMap>,
    limit: usize,
}

impl<B> Reader<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    pub(super) fn new(body: B, limit: usize) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            trailers: None,
            limit,
        }
    }

    /// Reads the prefix. `None` if the body ends before it begins.
    ///
    /// # Errors
    ///
    /// RESOURCE_EXHAUSTED if the message is longer than the limit, INTERNAL if the framing is wrong.
    pub(super) async fn prefix(&mut self, encoding: Encoding) -> Result<Option<MessageSize>, Status> {
        if !self.fill().await? {
            return Ok(None);
        }
        let [flag, length @ ..] = match self.rest.first_chunk::<PREFIX_BYTES>() {
            Some(prefix) => {
                let prefix = *prefix;
                self.rest.advance(PREFIX_BYTES);
                prefix
            }
            None => self.split_prefix().await?,
        };
        let wire = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if wire > self.limit {
            return Err(too_large(self.limit));
        }
        let encoding = match flag {
            0 => Encoding::Identity,
            1 if encoding == Encoding::Identity => {
                // Spec: "Compression", a compressed flag without a coding is INTERNAL.
                return Err(Status::new(
                    Code::Internal,
                    "compressed message without grpc-encoding",
                ));
            }
            1 => encoding,
            _ => return Err(Status::new(Code::Internal, "invalid compressed flag")),
        };
        Ok(Some(MessageSize {
            wire,
            encoding,
            limit: self.limit,
        }))
    }

    /// Reads and decodes the message that [`prefix`](Self::prefix) announced, and checks that no other follows.
    ///
    /// # Errors
    ///
    /// RESOURCE_EXHAUSTED if the decoded message is longer than the limit, INTERNAL if the framing or the coding is wrong.
    pub(super) async fn message(&mut self, size: MessageSize) -> Result<Bytes, Status> {
        let wire = self.collect(size.wire).await?;
        let wire = wire.ok_or_else(|| Status::new(Code::Internal, "body ends within a message"))?;
        if self.fill().await? {
            return Err(Status::new(
                Code::Unimplemented,
                "more than one message in a unary call",
            ));
        }
        match size.encoding.decode_off_reactor(wire, size.limit).await {
            Ok(message) => Ok(message),
            Err(DecodeError::TooLarge { limit }) => Err(too_large(limit)),
            Err(error @ DecodeError::RatioExceeded) => {
                Err(Status::new(Code::ResourceExhausted, error.to_string()))
            }
            Err(error) => Err(Status::new(Code::Internal, error.to_string())),
        }
    }

    /// Reads to the end of the body and returns the trailers.
    pub(super) async fn trailers(&mut self) -> Result<Option<HeaderMap>, Status> {
        while let Some(data) = self.data().await? {
            drop(data);
        }
        Ok(self.trailers.take())
    }

    /// Returns a prefix that arrived in several frames.
    async fn split_prefix(&mut self) -> Result<[u8; PREFIX_BYTES], Status> {
        let prefix = self.collect(PREFIX_BYTES).await?;
        prefix
            .and_then(|prefix| prefix.first_chunk().copied())
            .ok_or_else(|| Status::new(Code::Internal, "body ends within a message prefix"))
    }

    /// Waits for bytes unless there are some. Returns whether there are: false is the end of the body.
    async fn fill(&mut self) -> Result<bool, Status> {
        if self.rest.is_empty()
            && let Some(data) = self.data().await?
        {
            self.rest = data;
        }
        Ok(!self.rest.is_empty())
    }

    /// Returns exactly `len` bytes, without a copy if they arrived in one frame; none if the body ends before.
    async fn collect(&mut self, len: usize) -> Result<Option<Bytes>, Status> {
        if len == 0 {
            return Ok(Some(Bytes::new()));
        }
        let mut joined = BytesMut::new();
        loop {
            if !self.fill().await? {
                return Ok(None);
            }
            let missing = len - joined.len();
            let part = self.rest.split_to(missing.min(self.rest.len()));
            if part.len() == len {
                return Ok(Some(part));
            }
            if joined.len() + part.len() > joined.capacity() {
                // A little on the announcement, all of it once the peer has shown that it means it: no slack stays with the message.
                let first = joined.is_empty() && part.len() <= FIRST_ALLOCATION;
                joined.reserve(if first { len.min(FIRST_ALLOCATION) } else { missing });
            }
            joined.extend_from_slice(&part);
            if joined.len() == len {
                return Ok(Some(joined.freeze()));
            }
        }
    }

    /// Returns the next bytes of the body; trailers are set aside.
    async fn data(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            let mut body = pin!(&mut self.body);
            let frame = match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
                None => return Ok(None),
                Some(Err(error)) => {
                    return Err(Status::new(
                        Code::Unavailable,
                        format!("cannot read body: {error}"),
                    ));
                }
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        self.trailers = Some(trailers);
                    }
                }
            }
        }
    }
}

fn too_large(limit: usize) -> Status {
    Status::new(
        Code::ResourceExhausted,
        format!("message exceeds the limit of {limit} bytes"),
    )
}

/// Finds the coding that `grpc-encoding` names.
///
/// # Errors
///
/// UNIMPLEMENTED if it is not one of ours; the answer must then carry `grpc-accept-encoding`.
pub(super) fn encoding_of(headers: &HeaderMap) -> Result<Encoding, Status> {
    let Some(value) = headers.get("grpc-encoding") else {
        return Ok(Encoding::Identity);
    };
    let name = String::from_utf8_lossy(value.as_bytes());
    Encoding::from_name(&name)
        .ok()
        .filter(|encoding| ENCODINGS.contains(encoding))
        .ok_or_else(|| {
            Status::new(
                Code::Unimplemented,
                format!("message encoding `{name}` is not supported"),
            )
        })
}

/// Puts the prefix in front of a message, which goes out as it is: the prefix is a chunk of its own, the message is not copied.
pub(super) fn plain(chunks: impl IntoIterator<Item = Bytes>) -> Result<VecDeque<Bytes>, Status> {
    let mut framed = VecDeque::with_capacity(2);
    framed.push_back(Bytes::from_static(&[0; PREFIX_BYTES]));
    framed.extend(chunks);
    let len = framed.iter().skip(1).map(Bytes::len).sum();
    if len > 0 {
        framed[0] = Bytes::copy_from_slice(&prefix(false, len)?);
    }
    Ok(framed)
}

/// Encodes a message and puts the prefix in front; long messages are encoded on a blocking thread.
pub(super) async fn compressed(encoder: &Arc<Encoder>, message: Bytes) -> Result<VecDeque<Bytes>, Status> {
    let message = encoder
        .encode_off_reactor(message)
        .await
        .map_err(|error| Status::new(Code::Internal, error.to_string()))?;
    Ok([Bytes::copy_from_slice(&prefix(true, message.len())?), message].into())
}

fn prefix(compressed: bool, len: usize) -> Result<[u8; PREFIX_BYTES], Status> {
    let len =
        u32::try_from(len).map_err(|_| Status::new(Code::ResourceExhausted, "message exceeds 4 GiB"))?;
    let [a, b, c, d] = len.to_be_bytes();
    Ok([u8::from(compressed), a, b, c, d])
}
