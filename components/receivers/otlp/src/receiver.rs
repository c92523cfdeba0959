//! The receiver: its servers, from start to drained shutdown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tower::service_fn;
use weir_component::{
    BuildContext, BuildError, Component, Host, Outputs, Receiver, ShutdownError, StartError, async_trait,
};
use weir_net::server::{Running, ServerError};

use crate::ingest::Ingest;
use crate::{Config, GrpcProtocol, HttpProtocol, grpc, http};

/// The `otlp` receiver.
pub(crate) struct OtlpReceiver {
    grpc: Option<(GrpcProtocol, Arc<Ingest>)>,
    http: Option<(HttpProtocol, Arc<Ingest>)>,
    /// Filled at start.
    servers: Mutex<Vec<Running>>,
}

impl Receiver for OtlpReceiver {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext, outputs: Outputs) -> Result<Self, BuildError> {
        let ingest = |transport, include_metadata| Ingest::new(context, outputs.clone(), transport, include_metadata);
        let Config { protocols } = config.clone();
        Ok(Self {
            grpc: protocols.grpc.into_inner().map(|grpc| {
                let ingest = ingest("grpc", grpc.server.include_metadata);
                (grpc, ingest)
            }),
            http: protocols.http.into_inner().map(|http| {
                let ingest = ingest("http", http.server.include_metadata);
                (http, ingest)
            }),
            servers: Mutex::default(),
        })
    }
}

#[async_trait]
impl Component for OtlpReceiver {
    async fn start(self: Arc<Self>, _host: &Host) -> Result<(), StartError> {
        if let Some((protocol, ingest)) = &self.grpc {
            let (ingest, limits) = (Arc::clone(ingest), protocol.server.limits());
            let server = protocol.server.bind().await.map_err(cannot_listen)?;
            tracing::info!(endpoint = %server.local_address(), "serving OTLP/gRPC");
            self.keep(server.start(service_fn(move |request| grpc::serve(Arc::clone(&ingest), limits, request))));
        }
        if let Some((protocol, ingest)) = &self.http {
            let bodies = protocol.server.body_policy();
            let routes = Arc::new(http::Routes { ingest: Arc::clone(ingest), protocol: protocol.clone(), bodies });
            let server = protocol.server.bind().await.map_err(cannot_listen)?;
            tracing::info!(endpoint = %server.local_address(), "serving OTLP/HTTP");
            self.keep(server.start(service_fn(move |request| http::serve(Arc::clone(&routes), request))));
        }
        Ok(())
    }

    /// Stops accepting, answers the requests in flight, closes connections.
    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        let servers = std::mem::take(&mut *self.servers.lock().unwrap_or_else(PoisonError::into_inner));
        let mut cut = 0;
        for server in servers {
            cut += server.shutdown(deadline).await.cut;
        }
        let mut under_way = 0;
        for ingest in self.grpc.iter().map(|(_, ingest)| ingest).chain(self.http.iter().map(|(_, ingest)| ingest)) {
            under_way += ingest.finish(deadline).await;
        }
        if cut + under_way == 0 {
            return Ok(());
        }
        Err(ShutdownError::new(format!("{cut} connections were cut, {under_way} batches were still on their way")))
    }
}

impl OtlpReceiver {
    fn keep(&self, server: Running) {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).push(server);
    }
}

fn cannot_listen(error: ServerError) -> StartError {
    StartError::new("cannot serve OTLP").caused_by(error)
}
