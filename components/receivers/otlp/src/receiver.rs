//! The receiver: its servers, from start to drained shutdown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::join_all;
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
        let ingest =
            |transport, include_metadata| Ingest::new(context, outputs.clone(), transport, include_metadata);
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
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        // Both are bound before one serves: a receiver that cannot start has not begun.
        let grpc_server = match &self.grpc {
            Some((protocol, _)) => Some(protocol.server.bind(host).await.map_err(cannot_listen)?),
            None => None,
        };
        let http_server = match &self.http {
            Some((protocol, _)) => Some(protocol.server.bind(host).await.map_err(cannot_listen)?),
            None => None,
        };
        if let (Some((protocol, ingest)), Some(server)) = (&self.grpc, grpc_server) {
            let (ingest, limits) = (Arc::clone(ingest), protocol.server.limits());
            tracing::info!(endpoint = %server.local_address(), "serving OTLP/gRPC");
            self.keep(server.start(service_fn(move |request| {
                grpc::serve(Arc::clone(&ingest), limits, request)
            })));
        }
        if let (Some((protocol, ingest)), Some(server)) = (&self.http, http_server) {
            let bodies = protocol.server.body_policy();
            let routes = Arc::new(http::Routes {
                ingest: Arc::clone(ingest),
                protocol: protocol.clone(),
                bodies,
            });
            tracing::info!(endpoint = %server.local_address(), "serving OTLP/HTTP");
            self.keep(server.start(service_fn(move |request| {
                http::serve(Arc::clone(&routes), request)
            })));
        }
        Ok(())
    }

    /// Stops accepting, answers the requests in flight, closes connections.
    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        let servers = std::mem::take(&mut *self.servers.lock().unwrap_or_else(PoisonError::into_inner));
        let drained = join_all(servers.iter().map(|server| server.shutdown(deadline))).await;
        let cut: usize = drained.iter().map(|drained| drained.cut).sum();
        let mut under_way = 0;
        for ingest in self
            .grpc
            .iter()
            .map(|(_, ingest)| ingest)
            .chain(self.http.iter().map(|(_, ingest)| ingest))
        {
            under_way += ingest.finish(deadline).await;
        }
        if cut + under_way == 0 {
            return Ok(());
        }
        Err(ShutdownError::new(format!(
            "{cut} connections were cut, {under_way} batches were still on their way"
        )))
    }
}

impl OtlpReceiver {
    /// Returns where the servers listen: gRPC, then HTTP.
    #[cfg(test)]
    pub(crate) fn local_addresses(&self) -> Vec<weir_net::server::LocalAddress> {
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers
            .iter()
            .map(|server| server.local_address().clone())
            .collect()
    }

    fn keep(&self, server: Running) {
        self.servers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(server);
    }
}

fn cannot_listen(error: ServerError) -> StartError {
    StartError::new("cannot serve OTLP").caused_by(error)
}
