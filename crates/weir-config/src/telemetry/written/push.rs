//! Where own telemetry is pushed to.

use std::{borrow::Cow, fmt, path::PathBuf, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use weir_component::config::Secret;
use weir_component::schemars::{self, JsonSchema, Schema, SchemaGenerator, json_schema};

use super::scalar::{Nothing, present, without_default};
use crate::telemetry::{
    Batch, Complaints, Compression, Exporter, Header, Otlp, Processor, Protocol, Temporality,
};

/// Longest time for a request where the configuration says nothing or 0.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for a push where the configuration says nothing or 0.
pub(super) const PUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// Records that may wait, at most: 1 KiB each, as spans have on the average, are 1 GiB.
const MAX_QUEUE_SIZE: u64 = 1_000_000;

/// What is pushed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    Metrics,
    Spans,
    Logs,
}

impl Pushed {
    /// The path of OTLP/HTTP. Spec: OTLP, "OTLP/HTTP Request".
    const fn path(self) -> &'static str {
        match self {
            Self::Metrics => "/v1/metrics",
            Self::Spans => "/v1/traces",
            Self::Logs => "/v1/logs",
        }
    }
}

/// Where own telemetry is pushed to: `otlp` or `console`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-weir-block" = "telemetry_exporter"))]
pub(super) struct WrittenExporter {
    /// A server that speaks OTLP.
    otlp: Option<WrittenOtlp>,
    /// Standard output, as OTLP/JSON, one request per line. Takes an empty section.
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Option<Nothing>", transform = without_default)]
    console: bool,
    /// Not supported: OpenTelemetry has given the format up.
    #[schemars(with = "Option<Value>")]
    zipkin: Option<IgnoredAny>,
}

/// A server that speaks OTLP.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenOtlp {
    /// How requests travel: `grpc` or `http/protobuf`. Required.
    protocol: Option<WrittenProtocol>,
    /// `host:port` or URL of the server; over HTTP, a URL without a path gets that of the signal. Default: `localhost:4317`, over HTTP `localhost:4318`.
    endpoint: Option<String>,
    /// Plaintext, for endpoints without a scheme. Default: false.
    insecure: Option<bool>,
    /// File with the authorities that sign the certificate of the server, PEM. Default: those of the system.
    certificate: Option<PathBuf>,
    /// File with the own certificate, PEM. Needs `client_key`.
    client_certificate: Option<PathBuf>,
    /// File with the private key of the own certificate, PEM.
    client_key: Option<PathBuf>,
    /// Coding of requests: `none` or `gzip`. Default: `none`.
    compression: Option<WrittenCompression>,
    /// Longest time for a request, in milliseconds. Default: 10000, also for 0.
    timeout: Option<u64>,
    /// Headers of requests, over those of `headers_list`.
    headers: WrittenHeaders,
    /// Headers in one text: `name=value`, with commas between, percent-encoded.
    headers_list: Option<Secret>,
    /// What metrics count from: `cumulative` (the start), `delta` (the last push), `lowmemory` (as `delta`, but the start for what is counted elsewhere, such as CPU time). Metrics only. Default: `cumulative`.
    temporality_preference: Option<WrittenTemporality>,
    /// `explicit_bucket_histogram`. The other form is not supported. Metrics only.
    default_histogram_aggregation: Option<WrittenHistogram>,
}

/// How requests travel.
#[derive(Deserialize, JsonSchema)]
// Both spellings of one protocol are read.
#[schemars(extend("enum" = ["grpc", "grpc/protobuf", "http/protobuf"]))]
enum WrittenProtocol {
    #[serde(rename = "grpc", alias = "grpc/protobuf")]
    Grpc,
    #[serde(rename = "http/protobuf")]
    Http,
}

/// Coding of requests.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WrittenCompression {
    None,
    Gzip,
}

/// What metrics count from.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WrittenTemporality {
    Cumulative,
    Delta,
    Lowmemory,
}

/// The form of histograms.
#[derive(PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WrittenHistogram {
    ExplicitBucketHistogram,
    Base2ExponentialBucketHistogram,
}

/// A list of names and values, or the map that it was in older versions of the schema.
#[derive(Default)]
struct WrittenHeaders {
    headers: Vec<WrittenHeader>,
    is_map: bool,
}

/// A header of requests.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenHeader {
    /// Name of the header.
    name: String,
    /// Its value. Default: empty.
    value: Option<Secret>,
}

impl JsonSchema for WrittenHeaders {
    fn schema_name() -> Cow<'static, str> {
        "TelemetryHeaders".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": ["array", "null"], "items": generator.subschema_for::<WrittenHeader>() },
                { "type": "object", "additionalProperties": generator.subschema_for::<Option<Secret>>() },
            ],
        })
    }
}

impl<'de> Deserialize<'de> for WrittenHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeadersVisitor;
        impl<'de> Visitor<'de> for HeadersVisitor {
            type Value = WrittenHeaders;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of `{name, value}`")
            }

            fn visit_unit<E>(self) -> Result<WrittenHeaders, E> {
                Ok(WrittenHeaders::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<WrittenHeaders, A::Error> {
                let mut read = WrittenHeaders::default();
                while let Some(header) = list.next_element()? {
                    read.headers.push(header);
                }
                Ok(read)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenHeaders, A::Error> {
                let mut read = WrittenHeaders {
                    headers: Vec::new(),
                    is_map: true,
                };
                while let Some(name) = map.next_key()? {
                    let value = map.next_value()?;
                    read.headers.push(WrittenHeader { name, value });
                }
                Ok(read)
            }
        }
        deserializer.deserialize_any(HeadersVisitor)
    }
}

impl WrittenExporter {
    /// Returns where to push; `None` if something is wrong, which is reported.
    pub(super) fn understand(self, at: &str, pushed: Pushed, found: &mut Complaints<'_>) -> Option<Exporter> {
        if self.zipkin.is_some() {
            let at = format!("{at}::zipkin");
            found.error(
                &at,
                "not supported: the format of Zipkin, which OpenTelemetry has given up",
                Some("push by `otlp`; Zipkin's own collector for OpenTelemetry takes it"),
            );
            return None;
        }
        match (self.otlp, self.console) {
            (Some(otlp), false) => otlp
                .understand(&format!("{at}::otlp"), pushed, found)
                .map(Exporter::Otlp),
            (None, true) => Some(Exporter::Console),
            (Some(_), true) => {
                found.error(at, "an exporter is either `otlp` or `console`, not both", None);
                None
            }
            (None, false) => {
                found.error(at, "an exporter is either `otlp` or `console`", None);
                None
            }
        }
    }
}

impl WrittenOtlp {
    fn understand(self, at: &str, pushed: Pushed, found: &mut Complaints<'_>) -> Option<Otlp> {
        if pushed != Pushed::Metrics {
            for (key, present) in [
                ("temporality_preference", self.temporality_preference.is_some()),
                (
                    "default_histogram_aggregation",
                    self.default_histogram_aggregation.is_some(),
                ),
            ] {
                if present {
                    found.error(&format!("{at}::{key}"), "only metrics have this", None);
                }
            }
        }
        if self.default_histogram_aggregation == Some(WrittenHistogram::Base2ExponentialBucketHistogram) {
            found.unsupported(
                &format!("{at}::default_histogram_aggregation"),
                "exponential histograms; own histograms are counted once, in buckets of fixed bounds, for all readers",
            );
        }
        if self.client_certificate.is_some() != self.client_key.is_some() {
            found.error(at, "`client_certificate` and `client_key` need each other", None);
        }
        let headers = self.headers.understand(self.headers_list, at, found);
        let Some(protocol) = self.protocol else {
            let hint = "`grpc` or `http/protobuf`";
            found.error(at, "`protocol`: required", Some(hint));
            return None;
        };
        let protocol = match protocol {
            WrittenProtocol::Grpc => Protocol::Grpc,
            WrittenProtocol::Http => Protocol::Http,
        };
        let insecure = self.insecure.unwrap_or(false);
        let at_endpoint = format!("{at}::endpoint");
        let endpoint = match endpoint(self.endpoint.as_deref(), protocol, insecure, pushed) {
            Ok((endpoint, "")) => endpoint,
            Ok((endpoint, path)) => {
                let message = format!("gRPC has no use for the path `{path}`");
                found.warning(&at_endpoint, &message, "leave it out");
                endpoint
            }
            Err(message) => {
                found.error(&at_endpoint, message, None);
                return None;
            }
        };
        Some(Otlp {
            protocol,
            endpoint,
            certificate: given(self.certificate),
            client_certificate: given(self.client_certificate),
            client_key: given(self.client_key),
            compression: match self.compression {
                Some(WrittenCompression::Gzip) => Compression::Gzip,
                Some(WrittenCompression::None) | None => Compression::None,
            },
            timeout: millis(self.timeout, REQUEST_TIMEOUT),
            headers,
            temporality_preference: (pushed == Pushed::Metrics).then_some(
                match self.temporality_preference {
                    Some(WrittenTemporality::Delta) => Temporality::Delta,
                    Some(WrittenTemporality::Lowmemory) => Temporality::Lowmemory,
                    Some(WrittenTemporality::Cumulative) | None => Temporality::Cumulative,
                },
            ),
        })
    }
}

/// Returns the URL of a server, and the path in it that has no meaning: with the scheme that `insecure` says if there is none, and over
/// HTTP with the path of the signal.
fn endpoint(
    written: Option<&str>,
    protocol: Protocol,
    insecure: bool,
    pushed: Pushed,
) -> Result<(String, &str), String> {
    let written = written
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .unwrap_or(match protocol {
            Protocol::Grpc => "localhost:4317",
            Protocol::Http => "localhost:4318",
        });
    let (scheme, rest) = match written.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].contains(&scheme) => (scheme, rest),
        Some((scheme, _)) => return Err(format!("scheme `{scheme}`: use http or https")),
        None if insecure => ("http", written),
        None => ("https", written),
    };
    let (host, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(format!("`{written}` names no host"));
    }
    match (protocol, path) {
        (Protocol::Grpc, "/") => Ok((format!("{scheme}://{host}"), "")),
        (Protocol::Grpc, path) => Ok((format!("{scheme}://{host}"), path)),
        (Protocol::Http, "" | "/") => Ok((format!("{scheme}://{host}{}", pushed.path()), "")),
        (Protocol::Http, path) => Ok((format!("{scheme}://{host}{path}"), "")),
    }
}

impl WrittenHeaders {
    /// Puts the list over the headers of `headers_list`, which it wins over.
    fn understand(self, list: Option<Secret>, at: &str, found: &mut Complaints<'_>) -> Vec<Header> {
        if self.is_map {
            found.warning(
                &format!("{at}::headers"),
                "headers in an older form",
                "write `headers: [{name: ..., value: ...}]`",
            );
        }
        let mut headers: Vec<Header> = Vec::new();
        let mut set = |name: String, value: Secret| {
            headers.retain(|header| !header.name.eq_ignore_ascii_case(&name));
            headers.push(Header { name, value });
        };
        for pair in list
            .iter()
            .flat_map(|list| list.expose().split(','))
            .filter(|pair| !pair.trim().is_empty())
        {
            match pair.split_once('=') {
                Some((name, value)) => set(name.trim().to_owned(), Secret::new(unescaped(value.trim()))),
                None => {
                    let hint = "`name=value`, with commas between";
                    found.error(&format!("{at}::headers_list"), "a header without `=`", Some(hint));
                }
            }
        }
        for header in self.headers {
            set(header.name, header.value.unwrap_or_default());
        }
        for header in &headers {
            let name = !header.name.is_empty() && header.name.bytes().all(is_token);
            let value = header
                .value
                .expose()
                .bytes()
                .all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
            if !name || !value {
                let what = if name { "value" } else { "name" };
                let message = format!("header `{}`: not the {what} of a header", header.name);
                found.error(&format!("{at}::headers"), message, None);
            }
        }
        headers
    }
}

/// Spec: RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Undoes percent encoding, in which `headers_list` carries what would end a value. Spec: W3C Baggage, section 3.3.
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        let escaped = (byte == b'%')
            .then(|| bytes.as_slice().get(..2))
            .flatten()
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        if escaped.is_some() {
            bytes.nth(1);
        }
        out.push(escaped.unwrap_or(byte));
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What gathers own telemetry: `batch` or `simple`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-weir-block" = "telemetry_processor"))]
pub(super) struct WrittenProcessor {
    /// Gathers records and pushes them together.
    batch: Option<WrittenBatch>,
    /// Pushes each record by itself.
    simple: Option<WrittenSimple>,
}

/// Gathers records and pushes them together.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenBatch {
    /// Longest time that a record waits, in milliseconds. Default: 5000, of logs 1000, also for 0.
    schedule_delay: Option<u64>,
    /// Longest time for a push, in milliseconds. Default: 30000, also for 0.
    export_timeout: Option<u64>,
    /// Records that may wait, at most 1000000; more are dropped and counted. Default: 2048, also for 0.
    #[schemars(range(max = 1_000_000))]
    max_queue_size: Option<u64>,
    /// Records in a push, at most `max_queue_size`. Default: 512, also for 0.
    max_export_batch_size: Option<u64>,
    /// Where they go. Required.
    exporter: WrittenExporter,
}

/// Pushes each record by itself.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WrittenSimple {
    /// Where they go. Required.
    exporter: WrittenExporter,
}

/// Returns what processors mean; those with mistakes are left out and reported.
pub(super) fn processors(
    written: Vec<WrittenProcessor>,
    at: &str,
    pushed: Pushed,
    found: &mut Complaints<'_>,
) -> Vec<Processor> {
    let understood = written.into_iter().enumerate().filter_map(|(nth, processor)| {
        let at = format!("{at}::{nth}");
        match (processor.batch, processor.simple) {
            (Some(batch), None) => batch.understand(&format!("{at}::batch"), pushed, found),
            (None, Some(simple)) => simple
                .exporter
                .understand(&format!("{at}::simple::exporter"), pushed, found)
                .map(Processor::Simple),
            (None, None) => {
                found.error(&at, "a processor is either `batch` or `simple`", None);
                None
            }
            (Some(_), Some(_)) => {
                found.error(
                    &at,
                    "a processor is either `batch` or `simple`, not both",
                    Some("make two processors of it"),
                );
                None
            }
        }
    });
    understood.collect()
}

impl WrittenBatch {
    fn understand(self, at: &str, pushed: Pushed, found: &mut Complaints<'_>) -> Option<Processor> {
        // Spec: OpenTelemetry SDK environment variables, "Batch Span Processor" and "Batch LogRecord Processor".
        let delay = match pushed {
            Pushed::Logs => Duration::from_secs(1),
            Pushed::Spans | Pushed::Metrics => Duration::from_secs(5),
        };
        let queue = self.max_queue_size.filter(|size| *size > 0).unwrap_or(2048);
        let batch = self.max_export_batch_size.filter(|size| *size > 0).unwrap_or(512);
        if queue > MAX_QUEUE_SIZE {
            let message = format!("{queue} records: the most is {MAX_QUEUE_SIZE}");
            found.error(&format!("{at}::max_queue_size"), message, None);
        }
        Some(Processor::Batch(Batch {
            schedule_delay: millis(self.schedule_delay, delay),
            export_timeout: millis(self.export_timeout, PUSH_TIMEOUT),
            max_queue_size: queue.min(MAX_QUEUE_SIZE) as usize,
            max_export_batch_size: batch.min(queue).min(MAX_QUEUE_SIZE) as usize,
            exporter: self
                .exporter
                .understand(&format!("{at}::exporter"), pushed, found)?,
        }))
    }
}

/// Returns a duration of milliseconds; nothing and 0 mean the default.
pub(super) fn millis(written: Option<u64>, default: Duration) -> Duration {
    written
        .filter(|millis| *millis > 0)
        .map_or(default, Duration::from_millis)
}

fn given(path: Option<PathBuf>) -> Option<PathBuf> {
    path.filter(|path| !path.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_completed() {
        let (grpc, http) = (Protocol::Grpc, Protocol::Http);
        for (written, protocol, insecure, expect) in [
            (None, grpc, false, Some("https://localhost:4317")),
            (None, http, true, Some("http://localhost:4318/v1/logs")),
            (Some("a:1"), grpc, true, Some("http://a:1")),
            (Some("https://a:1/"), grpc, true, Some("https://a:1")),
            (Some("http://a:1"), http, false, Some("http://a:1/v1/logs")),
            (Some("http://a:1/x?y=/z"), http, false, Some("http://a:1/x?y=/z")),
            (Some("a/x"), grpc, false, Some("https://a")),
            (Some("ftp://a"), http, false, None),
            (Some("http://"), http, false, None),
        ] {
            let found = endpoint(written, protocol, insecure, Pushed::Logs).ok();
            assert_eq!(found.as_ref().map(|(url, _)| url.as_str()), expect, "{written:?}");
        }
    }

    #[test]
    fn percent_encoding_is_undone() {
        for (text, expect) in [
            ("Basic%20YQ%3d%3D", "Basic YQ=="),
            ("100%", "100%"),
            ("%zz", "%zz"),
        ] {
            assert_eq!(unescaped(text), expect);
        }
    }
}
