//! `service::telemetry` as a user may write it, and what it means.
//!
//! The grammar is the Collector's, also where Weir does not do what it asks for; then `understand` says so.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, Visitor},
};
use weir_component::config::{OnUnlessDisabled, duration};

use super::{
    AttributeValue, Complaints, LogEncoding, LogLevel, LogOutput, LogSampling, Logs, Metrics, MetricsLevel,
    PrometheusReader, Resource, Selection, Telemetry,
};

/// The section.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Written {
    logs: WrittenLogs,
    metrics: WrittenMetrics,
    traces: WrittenTraces,
    resource: WrittenResource,
}

impl Written {
    pub(super) fn understand(self, found: &mut Complaints<'_>) -> Telemetry {
        self.traces.understand(found);
        Telemetry {
            logs: self.logs.understand(found),
            metrics: self.metrics.understand(found),
            resource: self.resource.understand(found),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenLogs {
    level: LogLevel,
    development: bool,
    encoding: LogEncoding,
    disable_caller: bool,
    disable_stacktrace: bool,
    output_paths: Vec<String>,
    error_output_paths: Vec<String>,
    initial_fields: BTreeMap<String, Scalar>,
    sampling: OnUnlessDisabled<WrittenSampling>,
    disable_zap_resource: bool,
    processors: Vec<LogProcessor>,
}

impl Default for WrittenLogs {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            development: false,
            encoding: LogEncoding::Console,
            disable_caller: false,
            disable_stacktrace: false,
            output_paths: vec!["stderr".to_owned()],
            error_output_paths: vec!["stderr".to_owned()],
            initial_fields: BTreeMap::new(),
            sampling: OnUnlessDisabled::default(),
            disable_zap_resource: false,
            processors: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenSampling {
    #[serde(with = "duration")]
    tick: Duration,
    initial: u64,
    thereafter: u64,
}

impl Default for WrittenSampling {
    fn default() -> Self {
        let LogSampling {
            tick,
            initial,
            thereafter,
        } = LogSampling::default();
        Self {
            tick,
            initial,
            thereafter,
        }
    }
}

impl WrittenLogs {
    fn understand(self, found: &mut Complaints<'_>) -> Logs {
        if self.development {
            found.unsupported("logs::development", "the development mode of logs");
        }
        if self.disable_zap_resource {
            found.unsupported("logs::disable_zap_resource", "lines without the field `resource`");
        }
        if !self.processors.is_empty() {
            found.unsupported("logs::processors", "sending own logs by OTLP");
        }
        if self.error_output_paths != ["stderr"] {
            found.unsupported(
                "logs::error_output_paths",
                "another place than `stderr` for failures of the log itself",
            );
        }
        if self.output_paths.is_empty() {
            let hint = "set `level: fatal` to write nearly nothing";
            found.error("logs::output_paths", "logs go nowhere", Some(hint));
        }
        if self
            .sampling
            .as_ref()
            .is_some_and(|sampling| sampling.tick.is_zero())
        {
            found.error("logs::sampling::tick", "`tick`: must be above 0", None);
        }
        let outputs = self.output_paths.into_iter().enumerate();
        Logs {
            level: self.level,
            encoding: self.encoding,
            disable_caller: self.disable_caller,
            disable_stacktrace: self.disable_stacktrace,
            output_paths: outputs
                .filter_map(|(nth, path)| output(nth, path, found))
                .collect(),
            initial_fields: self
                .initial_fields
                .into_iter()
                .filter_map(|(key, value)| {
                    let at = format!("logs::initial_fields::{key}");
                    if value.0.is_none() {
                        found.error(&at, "a field without a value", None);
                    }
                    Some((key, value.0?))
                })
                .collect(),
            sampling: self.sampling.into_inner().map(|written| LogSampling {
                tick: written.tick,
                initial: written.initial,
                thereafter: written.thereafter,
            }),
        }
    }
}

/// `stdout`, `stderr`, a path, or `file:///absolute/path`.
fn output(nth: usize, path: String, found: &mut Complaints<'_>) -> Option<LogOutput> {
    let at = format!("logs::output_paths::{nth}");
    match path.as_str() {
        "stdout" => return Some(LogOutput::Stdout),
        "stderr" => return Some(LogOutput::Stderr),
        "" => {
            found.error(&at, "an empty path", None);
            return None;
        }
        _ => {}
    }
    match path.split_once("://") {
        None => Some(LogOutput::File(PathBuf::from(path))),
        Some(("file", rest)) if rest.starts_with('/') => Some(LogOutput::File(PathBuf::from(rest))),
        Some(_) => {
            found.error(
                &at,
                format!("`{path}` is no place for logs"),
                Some("`stdout`, `stderr`, a path or `file:///path`"),
            );
            None
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenMetrics {
    level: MetricsLevel,
    readers: Option<Vec<WrittenReader>>,
    views: Option<Vec<IgnoredAny>>,
}

impl Default for WrittenMetrics {
    fn default() -> Self {
        Self {
            level: MetricsLevel::Normal,
            readers: None,
            views: None,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenReader {
    pull: Option<Pull>,
    periodic: Option<Periodic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pull {
    exporter: PullExporter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PullExporter {
    prometheus: WrittenPrometheus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPrometheus {
    host: String,
    port: u16,
    #[serde(default = "yes")]
    without_scope_info: bool,
    #[serde(default = "yes")]
    without_units: bool,
    #[serde(default = "yes")]
    without_type_suffix: bool,
    #[serde(default)]
    with_resource_constant_labels: WrittenSelection,
}

fn yes() -> bool {
    true
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenSelection {
    included: Vec<String>,
    excluded: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Periodic {
    interval: Option<u64>,
    timeout: Option<u64>,
    exporter: Option<PushExporter>,
    producers: Option<Vec<IgnoredAny>>,
    cardinality_limits: Option<IgnoredAny>,
}

/// Where own telemetry is pushed to.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PushExporter {
    otlp: Option<PushOtlp>,
    console: Option<IgnoredAny>,
    zipkin: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PushOtlp {
    protocol: Option<PushProtocol>,
    endpoint: Option<String>,
    insecure: Option<bool>,
    certificate: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<String>,
    compression: Option<String>,
    timeout: Option<u64>,
    headers: Option<IgnoredAny>,
    headers_list: Option<String>,
    temporality_preference: Option<String>,
    default_histogram_aggregation: Option<String>,
}

#[derive(Deserialize)]
enum PushProtocol {
    #[serde(rename = "grpc", alias = "grpc/protobuf")]
    Grpc,
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LogProcessor {
    batch: Option<PushBatch>,
    simple: Option<PushSimple>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PushBatch {
    schedule_delay: Option<u64>,
    export_timeout: Option<u64>,
    max_queue_size: Option<u64>,
    max_export_batch_size: Option<u64>,
    exporter: Option<PushExporter>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PushSimple {
    exporter: Option<PushExporter>,
}

impl WrittenMetrics {
    fn understand(self, found: &mut Complaints<'_>) -> Metrics {
        if self.views.is_some() {
            found.unsupported("metrics::views", "views of own metrics");
        }
        let mut prometheus = None;
        match self.readers {
            None => prometheus = Some(PrometheusReader::default()),
            Some(readers) if readers.is_empty() && self.level != MetricsLevel::None => {
                let hint = "set `level: none` to measure nothing, or remove `readers` for the default one";
                found.error("metrics::readers", "there are no readers", Some(hint));
            }
            Some(readers) => {
                for (nth, reader) in readers.into_iter().enumerate() {
                    let at = format!("metrics::readers::{nth}");
                    let Some(reader) = reader.understand(&at, found) else {
                        continue;
                    };
                    if prometheus.is_some() {
                        found.unsupported(&at, "more than one `pull` reader");
                    }
                    prometheus = Some(reader);
                }
            }
        }
        Metrics {
            level: self.level,
            prometheus: prometheus.filter(|_| self.level != MetricsLevel::None),
        }
    }
}

impl WrittenReader {
    fn understand(self, at: &str, found: &mut Complaints<'_>) -> Option<PrometheusReader> {
        match (self.pull, self.periodic) {
            (Some(pull), None) => Some(pull.exporter.prometheus.understand()),
            (None, Some(_)) => {
                found.unsupported(
                    &format!("{at}::periodic"),
                    "`periodic` readers, which push own metrics",
                );
                None
            }
            (None, None) => {
                found.error(at, "a reader is either `pull` or `periodic`", None);
                None
            }
            (Some(_), Some(_)) => {
                found.error(
                    at,
                    "a reader is either `pull` or `periodic`, not both",
                    Some("make two readers of it"),
                );
                None
            }
        }
    }
}

impl WrittenPrometheus {
    fn understand(self) -> PrometheusReader {
        let WrittenSelection { included, excluded } = self.with_resource_constant_labels;
        PrometheusReader {
            host: self.host,
            port: self.port,
            without_scope_info: self.without_scope_info,
            without_units: self.without_units,
            without_type_suffix: self.without_type_suffix,
            with_resource_constant_labels: Selection { included, excluded },
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenTraces {
    level: TracesLevel,
    propagators: Vec<Propagator>,
    processors: Vec<LogProcessor>,
    sampler: Option<IgnoredAny>,
    limits: Option<IgnoredAny>,
}

#[derive(Default)]
enum TracesLevel {
    None,
    #[default]
    Basic,
}

#[derive(Deserialize)]
enum Propagator {
    #[serde(rename = "tracecontext")]
    TraceContext,
    #[serde(rename = "b3")]
    B3,
}

impl WrittenTraces {
    fn understand(self, found: &mut Complaints<'_>) {
        // Without processors tracing is off, whatever the level, as in the Collector.
        let (TracesLevel::None | TracesLevel::Basic) = self.level;
        if let Some(Propagator::TraceContext | Propagator::B3) = self.propagators.first() {
            found.unsupported("traces::propagators", "passing on trace context");
        }
        if !self.processors.is_empty() {
            found.unsupported("traces::processors", "own traces");
        }
        for (key, present) in [
            ("sampler", self.sampler.is_some()),
            ("limits", self.limits.is_some()),
        ] {
            if present {
                found.unsupported(&format!("traces::{key}"), "own traces");
            }
        }
    }
}

/// The two forms of `resource`: `attributes` with a list, or the attributes themselves.
#[derive(Default)]
struct WrittenResource {
    attributes: Option<Vec<WrittenAttribute>>,
    inline: BTreeMap<String, Scalar>,
    schema_url: Option<String>,
    detection: Option<IgnoredAny>,
    attributes_list: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAttribute {
    name: String,
    value: Scalar,
    #[serde(default)]
    r#type: Option<AttributeType>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AttributeType {
    String,
    Bool,
    Int,
    Double,
    StringArray,
    BoolArray,
    IntArray,
    DoubleArray,
}

impl<'de> Deserialize<'de> for WrittenResource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ResourceVisitor;
        impl<'de> Visitor<'de> for ResourceVisitor {
            type Value = WrittenResource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenResource, A::Error> {
                let mut resource = WrittenResource::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "attributes" => resource.attributes = Some(map.next_value()?),
                        "schema_url" => resource.schema_url = Some(map.next_value()?),
                        "detection" | "detection/development" => resource.detection = Some(map.next_value()?),
                        "attributes_list" => resource.attributes_list = Some(map.next_value()?),
                        _ => {
                            resource.inline.insert(key, map.next_value()?);
                        }
                    }
                }
                Ok(resource)
            }
        }
        deserializer.deserialize_map(ResourceVisitor)
    }
}

impl WrittenResource {
    fn understand(self, found: &mut Complaints<'_>) -> Resource {
        if self.schema_url.is_some() {
            found.unsupported("resource::schema_url", "a schema of the resource");
        }
        if self.detection.is_some() {
            found.unsupported(
                "resource::detection/development",
                "detecting attributes of the resource",
            );
        }
        if self.attributes_list.is_some() {
            found.error(
                "resource::attributes_list",
                "`attributes_list` is not allowed here",
                Some("use `attributes`"),
            );
        }
        let mut attributes = BTreeMap::new();
        if !self.inline.is_empty() {
            let hint = "write `attributes: [{name: ..., value: ...}]`";
            if self.attributes.is_some() {
                found.error(
                    "resource",
                    "`attributes` beside attributes in the older form",
                    Some(hint),
                );
            } else {
                found.warning("resource", "attributes in an older form", hint);
            }
        }
        for (key, value) in self.inline {
            attributes.insert(key, value.0);
        }
        for (nth, attribute) in self.attributes.into_iter().flatten().enumerate() {
            let at = format!("resource::attributes::{nth}");
            let Some(value) = attribute.value.0 else {
                found.error(&at, "an attribute without a value", None);
                continue;
            };
            match convert(value, attribute.r#type) {
                Ok(value) => {
                    attributes.insert(attribute.name, Some(value));
                }
                Err(message) => found.error(&format!("{at}::value"), message, None),
            }
        }
        Resource { attributes }
    }
}

/// Gives a value the type that it is declared to have.
fn convert(value: AttributeValue, declared: Option<AttributeType>) -> Result<AttributeValue, String> {
    use AttributeType as Type;
    use AttributeValue as Value;
    Ok(match (declared, value) {
        (None, value)
        | (Some(Type::String), value @ Value::Text(_))
        | (Some(Type::Bool), value @ Value::Bool(_))
        | (Some(Type::Int), value @ Value::Int(_))
        | (Some(Type::Double), value @ Value::Double(_)) => value,
        (Some(Type::Double), Value::Int(value)) => Value::Double(value as f64),
        (Some(Type::StringArray | Type::BoolArray | Type::IntArray | Type::DoubleArray), _) => {
            return Err("not supported yet: attributes that are lists".to_owned());
        }
        _ => return Err("the value is not of the type that `type` says".to_owned()),
    })
}

/// A boolean, number or text; `None` for null.
struct Scalar(Option<AttributeValue>);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean, a number or a text")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(Some(AttributeValue::Bool(value))))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(Some(AttributeValue::Int(value))))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                match i64::try_from(value) {
                    Ok(value) => self.visit_i64(value),
                    Err(_) => Err(E::custom("an integer beyond 64 bits")),
                }
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(Some(AttributeValue::Double(value))))
            }

            fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(Some(AttributeValue::Text(value.to_owned()))))
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar(None))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// Reads one of a few names, upper and lower case alike.
fn folded<'de, D: Deserializer<'de>, T: Copy>(
    deserializer: D,
    names: &'static [(&'static str, T)],
    known: &'static [&'static str],
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let found = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text));
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| de::Error::unknown_variant(&text, known))
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[(&str, LogLevel)] = &[
            ("debug", LogLevel::Debug),
            ("info", LogLevel::Info),
            ("warn", LogLevel::Warn),
            ("error", LogLevel::Error),
            ("dpanic", LogLevel::Fatal),
            ("panic", LogLevel::Fatal),
            ("fatal", LogLevel::Fatal),
        ];
        folded(
            deserializer,
            NAMES,
            &["debug", "info", "warn", "error", "dpanic", "panic", "fatal"],
        )
    }
}

impl<'de> Deserialize<'de> for LogEncoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "console" => Ok(Self::Console),
            "json" => Ok(Self::Json),
            other => Err(de::Error::unknown_variant(other, &["console", "json"])),
        }
    }
}

impl<'de> Deserialize<'de> for MetricsLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[(&str, MetricsLevel)] = &[
            ("none", MetricsLevel::None),
            ("basic", MetricsLevel::Basic),
            ("normal", MetricsLevel::Normal),
            ("detailed", MetricsLevel::Detailed),
        ];
        folded(deserializer, NAMES, &["none", "basic", "normal", "detailed"])
    }
}

impl<'de> Deserialize<'de> for TracesLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "basic" => Ok(Self::Basic),
            _ => Err(de::Error::unknown_variant(&text, &["none", "basic"])),
        }
    }
}
