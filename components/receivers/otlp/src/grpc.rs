//! OTLP/gRPC.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use ::http::{Request, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::Either;
use hyper::body::Incoming;
use weir_component::{ConsumeError, Permit, Signal};
use weir_net::Body;
use weir_net::grpc::{self, Call, Code, Limits, MessageSize, Status, Unary};

use crate::answer::{Format, full_success, partial_success};
use crate::ingest::Ingest;

/// Answers one call of any of the three services.
pub(crate) fn serve(
    ingest: Arc<Ingest>,
    limits: Limits,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send {
    let path = request.uri().path();
    let response = match signal_of(path).filter(|signal| ingest.serves(*signal)) {
        Some(signal) => Either::Left(grpc::serve(Export { signal, ingest }, limits, request)),
        None => Either::Right(ready(grpc::status_response(&Status::new(
            Code::Unimplemented,
            format!("no pipeline for `{path}`"),
        )))),
    };
    response.map(Ok)
}

fn signal_of(path: &str) -> Option<Signal> {
    match path {
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
        _ => None,
    }
}

/// The `Export` method of one signal.
struct Export {
    signal: Signal,
    ingest: Arc<Ingest>,
}

impl Unary for Export {
    type Permit = Permit;

    async fn admit(&self, size: MessageSize) -> Result<Permit, Status> {
        self.ingest
            .admit(size.wire, size.encoding, size.limit)
            .map_err(|error| Status::from(&error))
    }

    fn call(&self, call: Call, permit: Permit) -> impl Future<Output = Result<Bytes, Status>> + Send {
        // The headers are not kept while the request waits for its answer.
        let context = self.ingest.context(&call.head, call.deadline);
        let verdict = self.ingest.protobuf(self.signal, call.message, permit, context);
        verdict.map(|verdict| {
            verdict
                .map(|()| full_success(Format::Protobuf))
                .or_else(|error| self.partial(&error))
        })
    }
}

impl Export {
    /// A request taken in part is a success that says so.
    fn partial(&self, error: &ConsumeError) -> Result<Bytes, Status> {
        if error.is_partial() {
            return Ok(partial_success(self.signal, error, Format::Protobuf));
        }
        Err(Status::from(error))
    }
}
