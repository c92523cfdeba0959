//! The extension: its server, and the recording of the whole run if one is asked for.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use http::Request;
use hyper::body::Incoming;
use tower::service_fn;
use weir_component::{
    BuildContext, BuildError, Component, ComponentId, Extension, Host, ShutdownError, StartError,
};
use weir_net::server::Running;

use crate::answer::answer;
use crate::config::Config;
use crate::cpu::Recording;
use crate::heap::Heap;

/// The `pprof` extension.
pub(crate) struct Pprof {
    id: ComponentId,
    config: Config,
    heap: Arc<Heap>,
    /// Set between start and shutdown.
    server: Mutex<Option<Running>>,
    /// Of the whole run, for `save_to_file`.
    recording: Mutex<Option<Recording>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Extension for Pprof {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            id: context.id.clone(),
            config: config.clone(),
            heap: Arc::default(),
            server: Mutex::default(),
            recording: Mutex::default(),
        })
    }
}

#[async_trait]
impl Component for Pprof {
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let bound = self.config.server.bind(host).await;
        let server = bound.map_err(|error| StartError::new("cannot serve profiles").caused_by(error))?;
        if !self.config.save_to_file.is_empty() {
            let recording = Recording::begin().map_err(|refusal| StartError::new(refusal.text))?;
            *lock(&self.recording) = Some(recording);
        }
        tracing::info!(otelcol.component.id = %self.id, endpoint = %server.local_address(), "serving profiles");
        let heap = Arc::clone(&self.heap);
        let running = server.start(service_fn(move |request: Request<Incoming>| {
            let heap = Arc::clone(&heap);
            async move { Ok::<_, Infallible>(answer(&request, heap).await) }
        }));
        *lock(&self.server) = Some(running);
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        let server = lock(&self.server).take();
        if let Some(server) = server {
            server.shutdown(deadline).await;
        }
        let recording = lock(&self.recording).take();
        match recording {
            Some(recording) => self.save(recording).await,
            None => Ok(()),
        }
    }
}

impl Pprof {
    async fn save(&self, recording: Recording) -> Result<(), ShutdownError> {
        let file = self.config.save_to_file.clone();
        let saved = tokio::task::spawn_blocking(move || {
            let profile = recording.finish().map_err(|refusal| refusal.text)?;
            std::fs::write(&file, profile).map_err(|error| format!("cannot write `{file}`: {error}"))
        });
        match saved.await {
            Ok(saved) => saved.map_err(ShutdownError::new),
            Err(_) => Err(ShutdownError::new("the CPU profile could not be made")),
        }
    }
}

#[cfg(test)]
mod tests;
