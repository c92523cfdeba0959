//! The second form over gRPC: `grpc.health.v1.Health`.
//!
//! Spec: "GRPC Health Checking Protocol", <https://github.com/grpc/grpc/blob/master/doc/health-checking.md>. The name of a service is
//! empty for everything, or the id of a pipeline, or `extensions`.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use prost::Message;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::ServiceInfo;
use weir_net::Body;
use weir_net::grpc::{self, Answers, Call, Code, Limits, MessageSize, ServerStreaming, Status, Unary};

use crate::condition::Condition;
use crate::config::ComponentHealth;

/// `grpc.health.v1.HealthCheckRequest`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    pub(crate) service: String,
}

/// `grpc.health.v1.HealthCheckResponse`.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct HealthCheckResponse {
    #[prost(enumeration = "Answer", tag = "1")]
    pub(crate) status: i32,
}

/// `grpc.health.v1.HealthCheckResponse.ServingStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Answer {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
    ServiceUnknown = 3,
}

/// The service. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    pub(crate) service: Arc<ServiceInfo>,
    pub(crate) rules: ComponentHealth,
    pub(crate) limits: Limits,
    /// One task per call of `Watch`.
    pub(crate) watches: TaskTracker,
    /// Ends the watches.
    pub(crate) stopping: CancellationToken,
}

impl Health {
    /// Answers a call.
    pub(crate) async fn answer(self, request: Request<Incoming>) -> Response<Body> {
        match request.uri().path() {
            "/grpc.health.v1.Health/Check" => grpc::serve(&self, self.limits, request).await,
            "/grpc.health.v1.Health/Watch" => grpc::serve_streaming(&self, self.limits, request).await,
            _ => grpc::status_response(&Status::new(Code::Unimplemented, "unknown method")),
        }
    }

    fn condition(&self, scope: &str) -> Option<Condition> {
        Condition::of(&self.service, scope, &self.rules)
    }

    fn serving(&self, condition: &Condition) -> Answer {
        if condition.serves(&self.rules, Instant::now()) {
            Answer::Serving
        } else {
            Answer::NotServing
        }
    }

    /// Sends how a scope is doing, now and whenever that changes, until nobody listens any more.
    async fn watch(&self, scope: &str, answers: &Answers) {
        let mut changes = self.service.components.changes();
        let mut told = None;
        loop {
            changes.mark_unchanged();
            let condition = self.condition(scope);
            let serving = condition
                .as_ref()
                .map_or(Answer::ServiceUnknown, |condition| self.serving(condition));
            if told != Some(serving) {
                if answers.send(encoded(serving)).await.is_err() {
                    return;
                }
                told = Some(serving);
            }
            let turns = condition.and_then(|condition| condition.turns(&self.rules));
            let turns = turns.filter(|turns| *turns > Instant::now());
            tokio::select! {
                () = answers.gone() => return,
                changed = changes.changed() => if changed.is_err() { return },
                () = reached(turns) => {}
            }
        }
    }
}

async fn reached(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn encoded(serving: Answer) -> Bytes {
    let status = serving.into();
    HealthCheckResponse { status }.encode_to_vec().into()
}

fn scope_of(call: &Call) -> Result<String, Status> {
    HealthCheckRequest::decode(&call.message[..])
        .map(|request| request.service)
        .map_err(|error| Status::new(Code::InvalidArgument, format!("cannot read the request: {error}")))
}

impl Unary for Health {
    type Permit = ();

    async fn admit(&self, _: MessageSize) -> Result<(), Status> {
        Ok(())
    }

    async fn call(&self, call: Call, (): ()) -> Result<Bytes, Status> {
        let scope = scope_of(&call)?;
        let condition = self.condition(&scope);
        let condition = condition.ok_or_else(|| Status::new(Code::NotFound, "no such pipeline"))?;
        Ok(encoded(self.serving(&condition)))
    }
}

impl ServerStreaming for Health {
    fn begin(&self, call: Call, answers: Answers) -> Result<(), Status> {
        let (health, scope) = (self.clone(), scope_of(&call)?);
        self.watches.spawn(async move {
            let watched = health
                .stopping
                .run_until_cancelled(health.watch(&scope, &answers));
            let end = match watched.await {
                Some(()) => Ok(()),
                None => Err(Status::new(Code::Unavailable, "shutting down")),
            };
            answers.finish(end).await;
        });
        Ok(())
    }
}
