//! The extension: a server, and what its pages read.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use http::Request;
use hyper::body::Incoming;
use tower::service_fn;
use weir_component::{
    BuildContext, BuildError, Component, ComponentId, Extension, Host, MemoryBudget, ServiceInfo,
    ShutdownError, StartError,
};
use weir_net::server::Running;

use crate::answer::answer;
use crate::config::Config;

/// The `zpages` extension.
pub(crate) struct ZPages {
    id: ComponentId,
    config: Config,
    budget: MemoryBudget,
    /// Set between start and shutdown.
    server: Mutex<Option<Running>>,
}

/// What pages are made of.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    pub(crate) service: Arc<ServiceInfo>,
    pub(crate) budget: MemoryBudget,
}

impl Extension for ZPages {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            id: context.id.clone(),
            config: config.clone(),
            budget: context.budget.clone(),
            server: Mutex::default(),
        })
    }
}

#[async_trait]
impl Component for ZPages {
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let bound = self.config.server.bind(host).await;
        let server = bound.map_err(|error| StartError::new("cannot serve pages").caused_by(error))?;
        tracing::info!(otelcol.component.id = %self.id, endpoint = %server.local_address(), "serving zpages");
        let sources = Sources {
            service: Arc::clone(host.service()),
            budget: self.budget.clone(),
        };
        let running = server.start(service_fn(move |request: Request<Incoming>| {
            let sources = sources.clone();
            async move { Ok::<_, Infallible>(answer(&request, sources).await) }
        }));
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.shutdown(deadline).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
