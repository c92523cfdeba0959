//! Answers in the form that each protocol wants.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};

use crate::check::RemoteWrite;
use crate::count::{Signal, Written};

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Protocol of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    OtlpGrpc(Signal),
    OtlpHttp(Signal),
    OtlpJson(Signal),
    RemoteWrite(RemoteWrite),
}

/// Answers that all was taken.
pub(super) fn accepted(kind: Kind, written: &Written) -> Response<Body> {
    match kind {
        // An empty gRPC message: no partial success.
        Kind::OtlpGrpc(_) => grpc(Bytes::from_static(&[0; 5]), 0, ""),
        Kind::OtlpHttp(_) => typed("", "application/x-protobuf"),
        Kind::OtlpJson(_) => typed("{}", "application/json"),
        Kind::RemoteWrite(version) => {
            let mut response = plain(StatusCode::NO_CONTENT, "");
            if version == crate::check::RemoteWrite::V2 {
                let headers = response.headers_mut();
                headers.insert(
                    "x-prometheus-remote-write-samples-written",
                    written.samples.into(),
                );
                headers.insert(
                    "x-prometheus-remote-write-histograms-written",
                    written.histograms.into(),
                );
                headers.insert(
                    "x-prometheus-remote-write-exemplars-written",
                    written.exemplars.into(),
                );
            }
            response
        }
    }
}

/// Answers that nothing was taken.
pub(super) fn refused(kind: Kind, status: StatusCode, text: &'static str) -> Response<Body> {
    match kind {
        Kind::OtlpGrpc(_) => grpc(Bytes::new(), grpc_code(status), text),
        Kind::OtlpHttp(_) | Kind::OtlpJson(_) => plain(status, text),
        Kind::RemoteWrite(version) => with_written(plain(status, text), version, &Written::default()),
    }
}

/// States what was written, on success and on failure.
///
/// Spec: remote write 2.0, "Required Written Response Headers", <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>.
fn with_written(mut response: Response<Body>, version: RemoteWrite, written: &Written) -> Response<Body> {
    if version == RemoteWrite::V2 {
        let headers = response.headers_mut();
        headers.insert(
            "x-prometheus-remote-write-samples-written",
            written.samples.into(),
        );
        headers.insert(
            "x-prometheus-remote-write-histograms-written",
            written.histograms.into(),
        );
        headers.insert(
            "x-prometheus-remote-write-exemplars-written",
            written.exemplars.into(),
        );
    }
    response
}

/// gRPC code for an HTTP status, so that a client draws the same conclusion from both.
fn grpc_code(status: StatusCode) -> u32 {
    match status.as_u16() {
        400 => 3,
        401 => 16,
        403 => 7,
        404 => 12,
        429 => 8,
        500 => 13,
        502..=504 => 14,
        _ => 2,
    }
}

fn grpc(message: Bytes, code: u32, text: &'static str) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.into());
    trailers.insert("grpc-message", HeaderValue::from_static(text));
    let body = Full::new(message).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body.boxed_unsync());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

fn typed(text: &'static str, media_type: &'static str) -> Response<Body> {
    let mut response = plain(StatusCode::OK, text);
    let media_type = HeaderValue::from_static(media_type);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Full::from(text).boxed_unsync());
    *response.status_mut() = status;
    response
}
