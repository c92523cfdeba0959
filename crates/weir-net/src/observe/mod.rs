//! What servers and clients tell about their requests: spans, and metrics at the level `detailed`.
//!
//! Names and attributes are those of the semantic conventions for HTTP and RPC, as the Collector has them. What a peer may choose freely
//! never becomes a label.

mod client;
mod server;
#[cfg(test)]
mod tests;

pub(crate) use client::ClientWatch;
pub(crate) use server::ServerWatch;

use http::Method;
use weir_telemetry::{Def, Level, Unit};

use crate::grpc::Code;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http,
    Grpc,
}

/// Bounds of durations. Spec: semantic conventions, "HTTP metrics", advised for all durations of requests.
const DURATION_BOUNDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

const fn duration(name: &'static str, help: &'static str) -> Def {
    Def::new(name, help)
        .unit(Unit::Seconds)
        .bounds(DURATION_BOUNDS)
        .from_level(Level::Detailed)
}

const fn size(name: &'static str, help: &'static str) -> Def {
    Def::new(name, help).unit(Unit::Bytes).from_level(Level::Detailed)
}

/// Returns the name of a method; one that peers made up is `_OTHER`.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::CONNECT => "CONNECT",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

/// Returns the name of a status as gRPC spells it; none is success.
const fn code_name(code: Option<Code>) -> &'static str {
    let Some(code) = code else { return "OK" };
    match code {
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
