//! The extension: its servers, and what it is told about the pipelines.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use http::Request;
use hyper::body::Incoming;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::service_fn;
use weir_component::{
    BuildContext, BuildError, Component, ComponentId, Extension, Host, ServiceInfo, ShutdownError, StartError,
};
use weir_net::server::{Running, Server, ServerError};

use crate::config::{ComponentHealth, Config, GrpcService, HttpService};
use crate::grpc_health::Health;
use crate::{answer, status_page};

/// Answers probes.
pub(crate) struct HealthCheck {
    id: ComponentId,
    config: Arc<Config>,
    health: Arc<Mutex<answer::Health>>,
    /// Filled between start and shutdown.
    servers: Mutex<Vec<Running>>,
    /// Calls of `Watch` that are answered.
    watches: TaskTracker,
    /// Ends the watches.
    stopping: CancellationToken,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Component for HealthCheck {
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let started = if self.config.use_v2 {
            self.start_second(host).await
        } else {
            self.start_first(host).await
        };
        let servers =
            started.map_err(|error| StartError::new("cannot serve health checks").caused_by(error))?;
        for server in &servers {
            let endpoint = server.local_address();
            tracing::info!(otelcol.component.id = %self.id, %endpoint, "serving health checks");
        }
        *lock(&self.servers) = servers;
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.stopping.cancel();
        self.watches.close();
        let servers = std::mem::take(&mut *lock(&self.servers));
        for server in servers {
            server.shutdown(deadline).await;
        }
        // With their connections cut, watches have nobody left to wait for.
        self.watches.wait().await;
        Ok(())
    }
}

impl Extension for HealthCheck {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            id: context.id.clone(),
            config: Arc::new(config.clone()),
            health: Arc::default(),
            servers: Mutex::default(),
            watches: TaskTracker::new(),
            stopping: CancellationToken::new(),
        })
    }

    fn pipelines_ready(&self, ready: bool) {
        *lock(&self.health) = ready.then(Timestamp::now);
    }
}

impl HealthCheck {
    async fn start_first(&self, host: &Host) -> Result<Vec<Running>, ServerError> {
        let server = self.config.server.bind(host).await?;
        let (config, health) = (Arc::clone(&self.config), Arc::clone(&self.health));
        let running = server.start(service_fn(move |request: Request<Incoming>| {
            let path = request.uri().path();
            let response = answer::answer(&config, path, *lock(&health), Timestamp::now());
            async move { Ok::<_, Infallible>(response) }
        }));
        Ok(vec![running])
    }

    /// Binds all sockets before it serves on any.
    async fn start_second(&self, host: &Host) -> Result<Vec<Running>, ServerError> {
        let rules = self.config.component_health.as_ref().cloned().unwrap_or_default();
        let http = match self.config.http.as_ref() {
            Some(config) => Some((config, config.server.bind(host).await?)),
            None => None,
        };
        let grpc = match self.config.grpc.as_ref() {
            Some(config) => Some((config, config.server.bind(host).await?)),
            None => None,
        };
        let http = http.map(|(config, server)| serve_http(server, config, &rules, host.service()));
        let grpc = grpc.map(|(config, server)| self.serve_grpc(server, config, &rules, host.service()));
        Ok(http.into_iter().chain(grpc).collect())
    }

    fn serve_grpc(
        &self,
        server: Server,
        config: &GrpcService,
        rules: &ComponentHealth,
        service: &Arc<ServiceInfo>,
    ) -> Running {
        let health = Health {
            service: Arc::clone(service),
            rules: rules.clone(),
            limits: config.server.limits(),
            watches: self.watches.clone(),
            stopping: self.stopping.clone(),
        };
        server.start(service_fn(move |request: Request<Incoming>| {
            let health = health.clone();
            async move { Ok::<_, Infallible>(health.answer(request).await) }
        }))
    }
}

fn serve_http(
    server: Server,
    config: &HttpService,
    rules: &ComponentHealth,
    service: &Arc<ServiceInfo>,
) -> Running {
    let (config, rules, service) = (Arc::new(config.clone()), rules.clone(), Arc::clone(service));
    server.start(service_fn(move |request: Request<Incoming>| {
        let response = status_page::answer(&request, &config, &rules, &service);
        async move { Ok::<_, Infallible>(response) }
    }))
}

#[cfg(test)]
mod tests;
