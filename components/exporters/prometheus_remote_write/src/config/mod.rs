//! Options of the exporter, as the user writes them.

mod http;
mod sections;
mod translation;
mod watching;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use weir_component::config::{OffUnlessSet, Validate, Violations, schema};
use weir_component::schemars::{self, JsonSchema};
use weir_export::{MergeLimits, QueueSettings, RetrySettings};
use weir_net::client::{HttpClient, Target};
use weir_net::compression::Encoding;
use weir_prom::Protocol;
use weir_relabel::RuleConfig;

pub use http::HttpBlock;
pub use sections::{
    ExportCreatedMetric, ProtobufMessage, RemoteWriteQueue, ResourceConstantLabels, ResourceToTelemetry,
    TargetInfo, TranslationStrategy, Wal,
};
pub use watching::{Conflicts, Staleness};

/// Headers that the protocol owns. Spec: remote write 1.0 and 2.0, "Protocol".
const RESERVED_HEADERS: [&str; 4] = [
    "content-encoding",
    "content-type",
    "user-agent",
    "x-prometheus-remote-write-version",
];

/// Most requests in flight. Beyond it, connections cost more than they bring.
const MAX_CONSUMERS: usize = 1024;

/// Options of the `prometheus_remote_write` exporter.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Config {
    /// The HTTP client, its keys on the same level. `endpoint` is required. `timeout` (default: 5s) bounds one attempt, not all
    /// retries together. `compression` may be `snappy` (default), or empty, which means the same.
    #[schemars(flatten)]
    pub client: HttpClient,
    /// The HTTP client as a section of its own, in place of the keys on the same level.
    pub http: Option<HttpBlock>,
    /// How a request is sent again. One `max_elapsed_time` covers all requests of a delivery.
    pub retry_on_failure: RetrySettings<50>,
    /// Put before every metric name, with an underscore. Default: empty, none.
    pub namespace: String,
    /// Labels for every series that lacks them, such as the name of the cluster.
    pub external_labels: BTreeMap<String, String>,
    /// The queue in memory, and how many requests are in flight.
    pub remote_write_queue: RemoteWriteQueue,
    /// Most bytes in a request before compression, unless one histogram alone makes more. 0 means the default: 3000000.
    pub max_batch_size_bytes: usize,
    /// Requests in flight at the same time, 1 to 1024. Default: `remote_write_queue::num_consumers`.
    #[schemars(range(min = 1, max = 1024))]
    pub max_batch_request_parallelism: Option<usize>,
    /// Deprecated: false means `translation_strategy: UnderscoreEscapingWithoutSuffixes`. Default: true.
    pub add_metric_suffixes: bool,
    /// How metric and label names are built. Default: empty, which follows `add_metric_suffixes`.
    pub translation_strategy: TranslationStrategy,
    /// Sends type, help and unit of metrics by remote write 1.0; 2.0 always carries them. Default: false.
    pub send_metadata: bool,
    /// Version of the protocol. Default: `prometheus.WriteRequest`.
    pub protobuf_message: ProtobufMessage,
    /// The `target_info` series.
    pub target_info: TargetInfo,
    /// Leaves out the `otel_scope_*` labels. Default: false.
    pub disable_scope_info: bool,
    /// Copies resource attributes onto every series.
    pub resource_to_telemetry_conversion: ResourceToTelemetry,
    /// Copies chosen resource attributes onto every series.
    pub resource_constant_labels: ResourceConstantLabels,
    /// Write-ahead log. Not supported yet: setting it is an error.
    pub wal: OffUnlessSet<Wal>,
    /// Client metadata to send as headers. Not supported yet: setting it is an error.
    pub include_metadata_keys: Vec<String>,
    /// Sends explicit histograms as native histograms with custom buckets, which are one series each. Needs remote write 2.0. Default:
    /// false.
    pub convert_explicit_histograms_to_nhcb: bool,
    /// With `convert_explicit_histograms_to_nhcb`: sends the classic series as well. Default: false.
    pub keep_classic_histograms: bool,
    /// Accepted for old configurations, with a warning: `_created` series are not sent.
    pub export_created_metric: OffUnlessSet<ExportCreatedMetric>,

    /// Weir's own: most series in a request, unless one histogram alone makes more; 0 means no limit. Default: 2000.
    pub max_series_per_request: usize,
    /// Weir's own: when a receiver does not know remote write 2.0, sends 1.0 and asks again after an hour. Default: true.
    pub protobuf_message_fallback: bool,
    /// Weir's own: sends again when the receiver answers 429, after `Retry-After`. Default: true.
    pub retry_on_http_429: bool,
    /// Weir's own: sends exemplars. Default: true.
    pub send_exemplars: bool,
    /// Weir's own: resource attributes that become labels where a series has none of that name. Default: none.
    pub promote_resource_attributes: Vec<String>,
    /// Weir's own: rules for the labels of every series as it would be sent, in order, as `write_relabel_configs` of Prometheus. Default:
    /// none.
    pub write_relabel_configs: Vec<RuleConfig>,
    /// Weir's own: most bytes that remembered results of these rules may take. A series takes about its labels, what changes of them, and
    /// 200 bytes. With 0 nothing is remembered and the rules run for every series of every batch. Default: 67108864 (64 MiB).
    pub write_relabel_max_cache_bytes: usize,
    /// Weir's own: sends one stale marker for each series that has fallen silent. Default: off.
    pub staleness: Staleness,
    /// Weir's own: looks for series that several senders write. Default: off.
    pub conflicts: Conflicts,
    /// Weir's own: most bytes that `staleness` and `conflicts` may remember of series; 0 is unlimited. Series without room are sent as
    /// ever, but not looked after. Default: 268435456 (256 MiB).
    pub max_watch_bytes: u64,
}

weir_net::keys!(Config {
    http, retry_on_failure, namespace, external_labels, remote_write_queue, max_batch_size_bytes, max_batch_request_parallelism,
    add_metric_suffixes, translation_strategy, send_metadata, protobuf_message, target_info, disable_scope_info,
    resource_to_telemetry_conversion, resource_constant_labels, wal, include_metadata_keys, convert_explicit_histograms_to_nhcb,
    keep_classic_histograms, export_created_metric, max_series_per_request, protobuf_message_fallback, retry_on_http_429,
    send_exemplars, promote_resource_attributes, write_relabel_configs, write_relabel_max_cache_bytes,
    staleness, conflicts, max_watch_bytes,
} flat { client: HttpClient });

impl Default for Config {
    fn default() -> Self {
        Self {
            client: http::defaults(),
            http: None,
            retry_on_failure: RetrySettings::default(),
            namespace: String::new(),
            external_labels: BTreeMap::new(),
            remote_write_queue: RemoteWriteQueue::default(),
            max_batch_size_bytes: 3_000_000,
            max_batch_request_parallelism: None,
            add_metric_suffixes: true,
            translation_strategy: TranslationStrategy::default(),
            send_metadata: false,
            protobuf_message: ProtobufMessage::default(),
            target_info: TargetInfo::default(),
            disable_scope_info: false,
            resource_to_telemetry_conversion: ResourceToTelemetry::default(),
            resource_constant_labels: ResourceConstantLabels::default(),
            wal: OffUnlessSet::off(),
            include_metadata_keys: Vec::new(),
            convert_explicit_histograms_to_nhcb: false,
            keep_classic_histograms: false,
            export_created_metric: OffUnlessSet::off(),
            max_series_per_request: 2000,
            protobuf_message_fallback: true,
            retry_on_http_429: true,
            send_exemplars: true,
            promote_resource_attributes: Vec::new(),
            write_relabel_configs: Vec::new(),
            write_relabel_max_cache_bytes: 64 << 20,
            staleness: Staleness::default(),
            conflicts: Conflicts::default(),
            max_watch_bytes: 256 << 20,
        }
    }
}

// === what the options mean ===

impl Config {
    /// Returns the settings of the HTTP client and the key under which they stand.
    fn http_client(&self) -> (&HttpClient, &'static str) {
        self.http
            .as_ref()
            .map_or((&self.client, ""), |block| (&block.0, "http::"))
    }

    /// Returns the HTTP client as it is built: requests come to it compressed, and attempts are timed above it.
    pub(crate) fn transport(&self) -> HttpClient {
        let mut client = self.http_client().0.clone();
        client.compression.0 = Encoding::Identity;
        client.timeout = Duration::ZERO;
        client
    }

    /// Returns the URL to send to.
    pub(crate) fn endpoint(&self) -> &str {
        &self.http_client().0.endpoint
    }

    /// Returns the time of one attempt; zero is no limit.
    pub(crate) fn timeout(&self) -> Duration {
        self.http_client().0.timeout
    }

    /// Returns the protocol to begin with.
    pub(crate) fn protocol(&self) -> Protocol {
        match self.protobuf_message {
            ProtobufMessage::V1 => Protocol::V1,
            ProtobufMessage::V2 => Protocol::V2,
        }
    }

    /// Returns the number of requests in flight.
    pub(crate) fn parallelism(&self) -> NonZeroUsize {
        let requests = self
            .max_batch_request_parallelism
            .unwrap_or(self.remote_write_queue.num_consumers);
        NonZeroUsize::new(requests).unwrap_or(NonZeroUsize::MIN)
    }

    /// Returns the queue, if it is on. One worker: deliveries keep the order of the batches.
    pub(crate) fn queue(&self) -> Option<QueueSettings> {
        let requests = NonZeroUsize::new(self.remote_write_queue.queue_size)
            .filter(|_| self.remote_write_queue.enabled)?;
        Some(QueueSettings {
            requests,
            workers: NonZeroUsize::MIN,
            merge: MergeLimits::default(),
        })
    }

    /// Says what is accepted but not recommended.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &'static str> {
        let created = "`export_created_metric` has no effect: remote write 2.0 carries start times, and `_created` series are not sent";
        let suffixes = "`add_metric_suffixes` is deprecated: use `translation_strategy: UnderscoreEscapingWithoutSuffixes`";
        let created = self.export_created_metric.is_on().then_some(created);
        let suffixes = (!self.add_metric_suffixes).then_some(suffixes);
        created.into_iter().chain(suffixes)
    }
}

// === validation ===

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        self.validate_http(found);
        found.nested("retry_on_failure", &self.retry_on_failure);
        found.nested("remote_write_queue", &self.remote_write_queue);
        found.nested("staleness", &self.staleness);
        if let Some(parallelism) = self.max_batch_request_parallelism {
            let message = format!("must be from 1 to {MAX_CONSUMERS}");
            found.require(
                (1..=MAX_CONSUMERS).contains(&parallelism),
                "max_batch_request_parallelism",
                message,
            );
        }
        self.validate_translation(found);
        found.require(
            !self.wal.is_on(),
            "wal",
            "the write-ahead log is not supported yet",
        );
        let message = "headers from client metadata are not supported yet";
        found.require(
            self.include_metadata_keys.is_empty(),
            "include_metadata_keys",
            message,
        );
    }
}

impl Config {
    fn validate_http(&self, found: &mut Violations) {
        let (client, prefix) = self.http_client();
        let key = |key: &str| format!("{prefix}{key}");
        if self.http.is_some() && self.client != http::defaults() {
            found.add(
                "http",
                "the keys of the HTTP client stand either here or beside `http`, not in both places",
            );
        }
        found.nested(prefix, client);
        if client.endpoint.is_empty() {
            found.add(
                &key("endpoint"),
                "required: the URL to write to, such as `http://prometheus:9090/api/v1/write`",
            );
        } else if let Err(error) = Target::parse(&client.endpoint) {
            found.add(&key("endpoint"), error.to_string());
        }
        for (name, _) in client.headers.iter() {
            let reserved = RESERVED_HEADERS
                .iter()
                .any(|header| header.eq_ignore_ascii_case(name));
            found.require(
                !reserved,
                &key(&format!("headers::{name}")),
                "this header is the protocol's and cannot be set",
            );
        }
        let snappy = matches!(client.compression.0, Encoding::Snappy | Encoding::Identity);
        found.require(
            snappy,
            &key("compression"),
            "remote write has no compression but `snappy`",
        );
    }
}

#[cfg(test)]
mod tests;
