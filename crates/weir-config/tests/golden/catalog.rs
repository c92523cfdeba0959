//! Components that have options and do nothing, shaped like those of the Collector.

use std::{collections::BTreeMap, marker::PhantomData, time::Duration};

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    Batch, BuildContext, BuildError, Catalog, Component, ComponentConfig, Connector, ConnectorFactory,
    ConsumeError, Consumer, Exporter, ExporterFactory, Extension, ExtensionFactory, Outputs, PipelineId,
    Processor, ProcessorFactory, Receiver, ReceiverFactory, Signal, Stability, Validate, Verdict, Violations,
    async_trait,
    config::{OffUnlessNamed, OffUnlessSet, OnUnlessDisabled, Role, Secret, duration},
};

/// Returns factories for every kind.
pub(crate) fn catalog() -> Catalog {
    use Signal::{Logs, Metrics, Traces};
    const PAIRS: &[(Signal, Signal)] = &[(Metrics, Metrics), (Traces, Traces), (Logs, Logs)];
    const COUNTS: &[(Signal, Signal)] = &[(Traces, Metrics), (Logs, Metrics), (Metrics, Metrics)];
    let stable = Stability::Stable;
    Catalog::new([
        ReceiverFactory::of::<Fake<Otlp>>("otlp", stable).into(),
        ReceiverFactory::of::<Fake<Empty>>("nop", stable).into(),
        ProcessorFactory::of::<Fake<BatchConfig>>("batch", stable).into(),
        ProcessorFactory::of::<Fake<MemoryLimiter>>("memory_limiter", stable).into(),
        ExporterFactory::of::<Fake<Debug>>("debug", stable).into(),
        ExporterFactory::of::<Fake<RemoteWrite>>("prometheus_remote_write", stable)
            .signals(&[Metrics])
            .into(),
        ExporterFactory::of::<Fake<OtlpHttp>>("otlp_http", stable)
            .aliases(&["otlphttp"])
            .into(),
        ConnectorFactory::of::<Fake<Empty>>("forward", stable, PAIRS).into(),
        ConnectorFactory::of::<Fake<Empty>>("nop", stable, PAIRS).into(),
        ConnectorFactory::of::<Fake<Empty>>("count", stable, COUNTS).into(),
        ExtensionFactory::of::<Fake<HealthCheck>>("health_check", stable).into(),
    ])
}

struct Fake<C>(PhantomData<C>);

impl<C: ComponentConfig> Component for Fake<C> {}

impl<C: ComponentConfig> Receiver for Fake<C> {
    type Config = C;

    fn build(_: &C, _: &BuildContext, _: Outputs) -> Result<Self, BuildError> {
        Ok(Self(PhantomData))
    }
}

impl<C: ComponentConfig> Processor for Fake<C> {
    type Config = C;

    fn build(_: &C, _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self(PhantomData))
    }

    fn process(&self, _: &mut Batch) -> Result<Verdict, ConsumeError> {
        Ok(Verdict::Forward)
    }
}

#[async_trait]
impl<C: ComponentConfig> Exporter for Fake<C> {
    type Config = C;

    fn build(_: &C, _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self(PhantomData))
    }

    async fn export(&self, _: Batch) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[async_trait]
impl<C: ComponentConfig> Connector for Fake<C> {
    type Config = C;

    fn build(_: &C, _: &BuildContext, _: BTreeMap<PipelineId, Consumer>) -> Result<Self, BuildError> {
        Ok(Self(PhantomData))
    }

    async fn consume(&self, _: Batch) -> Result<(), ConsumeError> {
        Ok(())
    }
}

impl<C: ComponentConfig> Extension for Fake<C> {
    type Config = C;

    fn build(_: &C, _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self(PhantomData))
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Empty {}

impl Validate for Empty {}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Otlp {
    protocols: Protocols,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Protocols {
    grpc: OffUnlessNamed<Server>,
    http: OffUnlessNamed<Server>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Server {
    endpoint: String,
    max_recv_msg_size_mib: u32,
    include_metadata: bool,
    tls: OffUnlessSet<Tls>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            endpoint: "localhost:4317".to_owned(),
            max_recv_msg_size_mib: 4,
            include_metadata: false,
            tls: OffUnlessSet::off(),
        }
    }
}

impl Validate for Otlp {
    fn validate(&self, found: &mut Violations) {
        let protocols = &self.protocols;
        let any = protocols.grpc.is_on() || protocols.http.is_on();
        found.require(any, "protocols", "must have at least one of `grpc` and `http`");
        for (key, server) in [("grpc", &protocols.grpc), ("http", &protocols.http)] {
            if let Some(server) = server.as_ref() {
                let port = server
                    .endpoint
                    .rsplit_once(':')
                    .and_then(|(_, port)| port.parse::<u16>().ok());
                found.require(
                    port.is_some(),
                    &format!("protocols::{key}::endpoint"),
                    format!("`{}` has no port", server.endpoint),
                );
            }
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Tls {
    insecure: bool,
    ca_file: String,
    cert_file: String,
    key_file: String,
    cipher_suites: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct BatchConfig {
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    timeout: Duration,
    send_batch_size: u32,
    send_batch_max_size: u32,
    metadata_keys: Vec<String>,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(200),
            send_batch_size: 8192,
            send_batch_max_size: 0,
            metadata_keys: Vec::new(),
        }
    }
}

impl Validate for BatchConfig {
    fn validate(&self, found: &mut Violations) {
        let fits = self.send_batch_max_size == 0 || self.send_batch_max_size >= self.send_batch_size;
        found.require(fits, "send_batch_max_size", "must not be below `send_batch_size`");
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct MemoryLimiter {
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    check_interval: Duration,
    limit_mib: u32,
    limit_percentage: u8,
}

impl Validate for MemoryLimiter {
    fn validate(&self, found: &mut Violations) {
        found.require(
            !self.check_interval.is_zero(),
            "check_interval",
            "must be above 0",
        );
        let limited = self.limit_mib > 0 || self.limit_percentage > 0;
        found.require(limited, "", "`limit_mib` or `limit_percentage` must be set");
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Debug {
    verbosity: Verbosity,
    sampling_initial: u32,
}

impl Validate for Debug {}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Verbosity {
    #[default]
    Basic,
    Normal,
    Detailed,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct RemoteWrite {
    endpoint: String,
    headers: BTreeMap<String, Secret>,
    external_labels: BTreeMap<String, String>,
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    timeout: Duration,
    tls: Tls,
    retry_on_failure: Retry,
    remote_write_queue: Queue,
}

impl Default for RemoteWrite {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            headers: BTreeMap::new(),
            external_labels: BTreeMap::from([("cluster".to_owned(), "default".to_owned())]),
            timeout: Duration::from_secs(5),
            tls: Tls::default(),
            retry_on_failure: Retry::default(),
            remote_write_queue: Queue::default(),
        }
    }
}

impl Validate for RemoteWrite {
    fn validate(&self, found: &mut Violations) {
        let scheme = self.endpoint.split("://").next().unwrap_or_default();
        let message = if self.endpoint.is_empty() {
            "must be set".to_owned()
        } else {
            format!("`{}` is no URL with the scheme http or https", self.endpoint)
        };
        found.require(["http", "https"].contains(&scheme), "endpoint", message);
        found.nested("retry_on_failure", &self.retry_on_failure);
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Retry {
    enabled: bool,
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    initial_interval: Duration,
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    max_interval: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            enabled: true,
            initial_interval: Duration::from_millis(50),
            max_interval: Duration::from_secs(30),
        }
    }
}

impl Validate for Retry {
    fn validate(&self, found: &mut Violations) {
        let ordered = self.initial_interval <= self.max_interval;
        found.require(ordered, "max_interval", "must not be below `initial_interval`");
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Queue {
    num_consumers: u32,
    queue_size: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct OtlpHttp {
    endpoint: String,
    headers: BTreeMap<String, Secret>,
    compression: String,
    tls: Tls,
    sending_queue: OnUnlessDisabled<Queue>,
    retry_on_failure: Retry,
    auth: OffUnlessSet<Auth>,
}

/// Any extension will do here.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Auth {
    authenticator: String,
}

impl Validate for Auth {
    fn validate(&self, found: &mut Violations) {
        found.names_extension("authenticator", &self.authenticator, Role::ClientAuth);
    }
}

impl Validate for OtlpHttp {
    fn validate(&self, found: &mut Violations) {
        found.nested("auth", &self.auth);
        found.require(!self.endpoint.is_empty(), "endpoint", "must be set");
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct HealthCheck {
    endpoint: String,
    path: String,
}

impl Validate for HealthCheck {}
