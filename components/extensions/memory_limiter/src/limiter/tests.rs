//! The extension in front of servers on loopback.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Response, header};
use tower::service_fn;
use weir_component::{ComponentId, ComponentKind, MemoryBudget};
use weir_net::Body;
use weir_net::client::{GrpcClient, HttpClient, Outgoing, ProxyEnvironment, Reply, Target};
use weir_net::config::Middleware;
use weir_net::grpc::{self, Call, ClientCall, Limits, MessageSize, Status, Unary};
use weir_net::server::{GrpcServer, HttpServer, Running};
use weir_net::tls::TlsClient;
use weir_testkit::contract;

use super::*;
use crate::FACTORY;

const MIB: u64 = 1024 * 1024;

/// An extension with a soft limit of 8 MiB, started, and the resident set that it sees.
struct Bench {
    host: Host,
    extension: Arc<MemoryLimiter>,
    resident: Arc<AtomicU64>,
    budget: MemoryBudget,
    context: BuildContext,
}

fn id() -> ComponentId {
    "memory_limiter".parse().unwrap()
}

async fn bench() -> Bench {
    let context = BuildContext {
        budget: MemoryBudget::unlimited(),
        ..BuildContext::standalone(id(), ComponentKind::Extension, None)
    };
    let config = Config {
        check_interval: Duration::from_secs(1),
        limit_mib: 10,
        ..Config::default()
    };
    let resident = Arc::new(AtomicU64::new(MIB));
    let read = Arc::clone(&resident);
    let resident_bytes = Box::new(move || Some(read.load(Ordering::Relaxed)));
    let watch = Watch::with_memory(&config, &context, None, resident_bytes).unwrap();
    let extension = Arc::new(MemoryLimiter::with_watch(watch, &context));
    let host = Host::new(BTreeMap::from([(
        id(),
        Arc::clone(&extension) as Arc<dyn Extension>,
    )]));
    Bench {
        host,
        extension,
        resident,
        budget: context.budget.clone(),
        context,
    }
}

fn middlewares() -> Vec<Middleware> {
    vec![Middleware { id: id().to_string() }]
}

async fn stop(running: Running) {
    running.shutdown(Instant::now() + Duration::from_secs(5)).await;
}

/// Takes every call.
struct Taken;

impl Unary for Taken {
    type Permit = ();

    async fn admit(&self, _: MessageSize) -> Result<(), Status> {
        Ok(())
    }

    async fn call(&self, _: Call, (): ()) -> Result<Bytes, Status> {
        Ok(Bytes::new())
    }
}

async fn post(running: &Running) -> Reply {
    let client = HttpClient::default()
        .build(&Host::default(), &ProxyEnvironment::default(), "test")
        .unwrap();
    let target = Target::parse(&format!("http://{}/", running.local_address())).unwrap();
    client
        .send(Outgoing::post(&target, "text/plain", Bytes::from_static(b"body")))
        .await
        .unwrap()
}

#[tokio::test]
async fn http_requests_are_refused_while_the_budget_is_used_up() {
    let bench = bench().await;
    let config = HttpServer {
        endpoint: "127.0.0.1:0".to_owned(),
        middlewares: middlewares(),
        ..HttpServer::default()
    };
    let service = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Body::from("in"))) });
    let running = config.bind(&bench.host).await.unwrap().start(service);
    assert_eq!(post(&running).await.status, 200);
    let all = bench.budget.try_acquire(8 * MIB).expect("the soft limit");
    let reply = post(&running).await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.headers[header::RETRY_AFTER], "1");
    drop(all);
    assert_eq!(post(&running).await.status, 200);
    let metrics = bench.context.metrics.render();
    let line = "weir_extension_memory_limiter_refused_requests_total{extension=\"memory_limiter\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    stop(running).await;
}

#[tokio::test]
async fn grpc_calls_are_refused_while_the_resident_set_is_large() {
    let bench = bench().await;
    let config = GrpcServer {
        endpoint: "127.0.0.1:0".to_owned(),
        middlewares: middlewares(),
        ..GrpcServer::default()
    };
    let service = service_fn(|request| async {
        Ok::<_, Infallible>(grpc::serve(&Taken, Limits::default(), request).await)
    });
    let running = config.bind(&bench.host).await.unwrap().start(service);
    let client = GrpcClient {
        endpoint: running.local_address().to_string(),
        tls: TlsClient {
            insecure: true,
            ..TlsClient::default()
        },
        ..GrpcClient::default()
    };
    let client = client
        .build(&Host::default(), &ProxyEnvironment::default(), "test")
        .unwrap();
    let call = || ClientCall::new(PathAndQuery::from_static("/a.B/C"), Bytes::new());
    client.unary(call()).await.expect("there is memory");
    bench.resident.store(8 * MIB, Ordering::Relaxed);
    // The first look comes with the start.
    Arc::clone(&bench.extension).start(&bench.host).await.unwrap();
    while !bench.extension.gate.watch.is_short() {
        tokio::task::yield_now().await;
    }
    let status = client.unary(call()).await.unwrap_err();
    assert_eq!(
        (status.code, status.retry_delay()),
        (Code::ResourceExhausted, Some(Duration::from_secs(1)))
    );
    bench.extension.shutdown(Instant::now()).await.unwrap();
    stop(running).await;
}

#[test]
fn options_are_those_of_the_processor() {
    contract::config_is_strict(&FACTORY.meta, "{check_interval: 1s, limit_percentage: 80}");
    assert_eq!(contract::mistakes(&FACTORY.meta, "{limit_mib: 10}").len(), 1);
}
