//! The extension: a server, and what it is told about the pipelines.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use http::Request;
use hyper::body::Incoming;
use jiff::Timestamp;
use tower::service_fn;
use weir_component::{
    BuildContext, BuildError, Component, ComponentId, Extension, Host, ShutdownError, StartError,
};
use weir_net::server::Running;

use crate::answer::{Health, answer};
use crate::config::Config;

/// Answers probes.
pub(crate) struct HealthCheck {
    id: ComponentId,
    config: Arc<Config>,
    health: Arc<Mutex<Health>>,
    /// Set between start and shutdown.
    server: Mutex<Option<Arc<Running>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Component for HealthCheck {
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        let bound = self.config.server.bind(host).await;
        let server = bound.map_err(|error| StartError::new("cannot serve health checks").caused_by(error))?;
        tracing::info!(otelcol.component.id = %self.id, endpoint = %server.local_address(), "serving health checks");
        let (config, health) = (Arc::clone(&self.config), Arc::clone(&self.health));
        let running = server.start(service_fn(move |request: Request<Incoming>| {
            let response = answer(&config, request.uri().path(), *lock(&health), Timestamp::now());
            async move { Ok::<_, Infallible>(response) }
        }));
        *lock(&self.server) = Some(Arc::new(running));
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        let server = lock(&self.server).take();
        if let Some(server) = server {
            server.shutdown(deadline).await;
        }
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
            server: Mutex::default(),
        })
    }

    fn pipelines_ready(&self, ready: bool) {
        *lock(&self.health) = ready.then(Timestamp::now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use weir_component::ComponentKind;
    use weir_component::config::OffUnlessSet;
    use weir_testkit::contract;

    use super::*;
    use crate::FACTORY;
    use crate::config::ResponseBody;

    async fn started(mut config: Config) -> Arc<HealthCheck> {
        config.server.endpoint = "127.0.0.1:0".to_owned();
        let id = "health_check".parse().expect("id");
        let context = BuildContext::standalone(id, ComponentKind::Extension, None);
        let extension = Arc::new(HealthCheck::build(&config, &context).expect("built"));
        Arc::clone(&extension)
            .start(&Host::default())
            .await
            .expect("started");
        extension
    }

    /// Sends a request and returns status line and body.
    async fn probe(extension: &HealthCheck, path: &str) -> (String, String) {
        let address = lock(&extension.server)
            .as_ref()
            .expect("running")
            .local_address()
            .to_string();
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let request = format!("GET {path} HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
        (
            head.lines().next().unwrap_or_default().to_owned(),
            body.to_owned(),
        )
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[tokio::test]
    async fn probes_succeed_while_pipelines_run() {
        let extension = started(Config::default()).await;
        let (status, body) = probe(&extension, "/").await;
        assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
        assert_eq!(
            body,
            r#"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#
        );
        extension.pipelines_ready(true);
        let (status, body) = probe(&extension, "/live?full=1").await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        assert!(
            body.starts_with(r#"{"status":"Server available","upSince":"2"#),
            "{body}"
        );
        extension.pipelines_ready(false);
        assert_eq!(probe(&extension, "/").await.0, "HTTP/1.1 503 Service Unavailable");
        extension.shutdown(soon()).await.expect("stopped");
    }

    #[tokio::test]
    async fn path_and_texts_are_configurable() {
        let texts = ResponseBody {
            healthy: "fine".to_owned(),
            unhealthy: "ill".to_owned(),
        };
        let config = Config {
            path: "/ready".to_owned(),
            response_body: OffUnlessSet::on(texts),
            ..Config::default()
        };
        let extension = started(config).await;
        assert_eq!(probe(&extension, "/ready").await.1, "ill");
        extension.pipelines_ready(true);
        assert_eq!(
            probe(&extension, "/ready").await,
            ("HTTP/1.1 200 OK".to_owned(), "fine".to_owned())
        );
        assert_eq!(probe(&extension, "/").await.0, "HTTP/1.1 404 Not Found");
        extension.shutdown(soon()).await.expect("stopped");
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        contract::config_is_strict(&FACTORY.meta, "{endpoint: '0.0.0.0:13133', path: /healthz}");
        for (yaml, path) in [
            ("path: health", "path"),
            ("use_v2: true", "use_v2"),
            ("{http: {endpoint: 'localhost:1'}, grpc: }", "http"),
            (
                "component_health: {include_permanent_errors: true}",
                "component_health",
            ),
            (
                "check_collector_pipeline: {enabled: true, interval: 1m}",
                "check_collector_pipeline::enabled",
            ),
        ] {
            let mistakes = contract::mistakes(&FACTORY.meta, yaml);
            assert!(
                mistakes.len() == 1 && mistakes[0].starts_with(&format!("{path}: ")),
                "{yaml}: {mistakes:?}"
            );
        }
        assert!(
            contract::mistakes(
                &FACTORY.meta,
                "check_collector_pipeline: {exporter_failure_threshold: 3}"
            )
            .is_empty()
        );
    }
}
