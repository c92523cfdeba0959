//! gRPC over HTTP/2 with messages as raw bytes, for servers and clients: unary calls, and on servers calls with many answers.
//!
//! Owns the framing (length prefix, `grpc-encoding`, trailers, `grpc-timeout`), [`Status`] and the caps on message sizes. It does
//! not know protobuf beyond the error details of `google.rpc`, nor streams of requests: no component
//! needs them.
//!
//! A server takes the pieces in an order that protects it: headers, then [`Unary::admit`] with the announced size, and only then
//! the bytes of the message, their decompression and [`Unary::call`].
//!
//! Spec: "gRPC over HTTP2", <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

mod client;
mod framing;
mod server;
mod status;
#[cfg(test)]
mod tests;
mod timeout;

pub use client::{Call as ClientCall, Client, Reply};
pub use framing::MessageSize;
pub use server::{Answers, Call, Limits, ServerStreaming, Unary, serve, serve_streaming, status_response};
pub use status::Status;
pub use weir_component::Code;

use http::{HeaderName, HeaderValue};

use crate::compression::Encoding;

/// Largest message received unless configured otherwise: 4 MiB, as in every gRPC library.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 4 << 20;

/// The codings of messages that both sides speak.
const ENCODINGS: [Encoding; 4] = [
    Encoding::Identity,
    Encoding::Gzip,
    Encoding::Zstd,
    Encoding::Snappy,
];

const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// `grpc-accept-encoding` of both sides; matches [`ENCODINGS`].
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("identity,gzip,zstd,snappy");

/// Media type of gRPC messages.
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");
