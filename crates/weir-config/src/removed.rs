//! What older Collectors took and newer ones do not: what to write instead.
//!
//! Tables only. They change no meaning: everything named here is an error anyway.

use weir_component::ComponentKind;

use crate::{
    node::{Kind, Node},
    path::Path,
};

/// A component type that is gone: what happened to it, and what to do.
pub(crate) fn component(kind: ComponentKind, type_name: &str) -> Option<(String, String)> {
    let (what, instead) = match (kind, type_name) {
        (ComponentKind::Exporter, "logging") => (
            "the exporter `logging` is gone",
            "use `debug`; `loglevel: debug` is now `verbosity: detailed`",
        ),
        (ComponentKind::Extension, "memory_ballast" | "ballast_extension" | "ballast") => (
            "the extension `memory_ballast` is gone",
            "remove it; the processor `memory_limiter` bounds memory",
        ),
        (ComponentKind::Processor, "routing") => (
            "the processor `routing` is gone",
            "the connector `routing` took its place",
        ),
        (ComponentKind::Processor, "queued_retry") => (
            "the processor `queued_retry` is gone",
            "exporters have `sending_queue` and `retry_on_failure`",
        ),
        (ComponentKind::Processor, "spanmetrics" | "span_metrics") => (
            "the processor `spanmetrics` is gone",
            "the connector `span_metrics` took its place",
        ),
        (ComponentKind::Processor, "servicegraph" | "service_graph") => (
            "the processor `servicegraph` is gone",
            "the connector `service_graph` took its place",
        ),
        (ComponentKind::Exporter, "jaeger" | "jaeger_thrift") => (
            "the exporter `jaeger` is gone",
            "Jaeger takes OTLP: use `otlp_grpc`",
        ),
        (ComponentKind::Exporter, "stackdriver") => (
            "the exporter `stackdriver` is gone",
            "its successor is `googlecloud`; Google Cloud takes OTLP: use `otlp_grpc` or `otlp_http`",
        ),
        (ComponentKind::Exporter, "newrelic" | "dynatrace" | "instana") => {
            return Some((
                format!("the exporter `{type_name}` is gone"),
                "its backend takes OTLP: use `otlp_http`".to_owned(),
            ));
        }
        (ComponentKind::Receiver, "prometheus_exec") => (
            "the receiver `prometheus_exec` is gone",
            "run the exporter beside the gateway and scrape it with the receiver `prometheus`",
        ),
        (ComponentKind::Processor, "k8s_tagger") => (
            "the processor `k8s_tagger` is gone",
            "it is called `k8s_attributes`",
        ),
        (ComponentKind::Exporter, "loki") => (
            "the exporter `loki` is gone",
            "Loki takes OTLP: use `otlp_http` with an endpoint that ends in `/otlp`",
        ),
        (ComponentKind::Receiver | ComponentKind::Exporter, "opencensus") => {
            ("`opencensus` is gone", "OpenCensus has ended: use `otlp`")
        }
        _ => return None,
    };
    Some((what.to_owned(), instead.to_owned()))
}

/// The hint for an option that a component does not have, if it is a well-known former one. `known` are the options of
/// that section.
pub(crate) fn option(kind: ComponentKind, type_name: &str, key: &str, known: &[&str]) -> Option<String> {
    let has = |option: &str| known.contains(&option);
    let hint = match (kind, key) {
        (ComponentKind::Exporter, "loglevel") if has("verbosity") => {
            "it is now `verbosity`: `loglevel: debug` is `detailed`, `info` is `normal`, `warn` is `basic`"
        }
        (ComponentKind::Processor, "ballast_size_mib") => "remove it: there is no ballast any more",
        (ComponentKind::Exporter, "sending_queue") if type_name == "prometheus_remote_write" => {
            "the queue of this exporter is `remote_write_queue`"
        }
        (_, "tls_settings" | "tls_config" | "tls_credentials") if has("tls") => "it is called `tls`",
        (_, "per_rpc_auth") if has("auth") => {
            "it is now `auth: {authenticator: bearertokenauth}`, with the token in that extension"
        }
        (ComponentKind::Extension, "port") if has("endpoint") => "it is part of `endpoint: localhost:13133`",
        (ComponentKind::Exporter, "num_workers") if has("sending_queue") => {
            "it is now `sending_queue: {num_consumers: ...}`"
        }
        (ComponentKind::Exporter, "headers_setter") if has("auth") => {
            "it is an extension: define it under `extensions`, and name it in `auth: {authenticator: headers_setter}`"
        }
        (ComponentKind::Receiver, "endpoint") if has("protocols") => {
            "it belongs to a protocol: `protocols: {grpc: {endpoint: ...}}`"
        }
        (ComponentKind::Processor, "send_batch_timeout") if has("send_batch_size") => {
            "it is called `timeout`"
        }
        (ComponentKind::Receiver | ComponentKind::Extension, "insecure") if has("client_ca_file") => {
            "a server has no TLS without a section `tls`: remove the section"
        }
        (
            _,
            "insecure"
            | "insecure_skip_verify"
            | "ca_file"
            | "ca_pem"
            | "cert_file"
            | "cert_pem"
            | "key_file"
            | "key_pem"
            | "server_name_override"
            | "min_version"
            | "max_version",
        ) if has("tls") => {
            return Some(format!(
                "it belongs into the section `tls`: `tls: {{{key}: ...}}`"
            ));
        }
        (_, "initial_interval" | "max_interval" | "max_elapsed_time") if has("retry_on_failure") => {
            return Some(format!(
                "it belongs into the section `retry_on_failure`: `retry_on_failure: {{{key}: ...}}`"
            ));
        }
        (_, "queue_size" | "num_consumers") if has("sending_queue") => {
            return Some(format!(
                "it belongs into the section `sending_queue`: `sending_queue: {{{key}: ...}}`"
            ));
        }
        (ComponentKind::Receiver, "grpc" | "http") if has("protocols") => {
            return Some(format!(
                "it belongs into the section `protocols`: `protocols: {{{key}: ...}}`"
            ));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The hint for a key outside of components that has another place now, with its value.
pub(crate) fn moved(path: &Path, value: &Node) -> Option<String> {
    let hint = match path.to_string().as_str() {
        "service::telemetry::metrics::address" => {
            let (host, port) = match &value.kind {
                Kind::Text(address) if value.expansion.is_none() => {
                    address.rsplit_once(':').unwrap_or((address, "8888"))
                }
                _ => ("localhost", "8888"),
            };
            let host = if host.is_empty() { "0.0.0.0" } else { host };
            return Some(format!(
                "it is now a reader: `readers: [{{pull: {{exporter: {{prometheus: {{host: {host}, port: {port}}}}}}}}}]`"
            ));
        }
        "pipelines" => "pipelines belong into `service`: `service: {pipelines: ...}`",
        "extension" => "did you mean `extensions`?",
        "telemetry" => "it belongs into `service`: `service: {telemetry: ...}`",
        "service::receivers" | "service::processors" | "service::exporters" | "service::connectors" => {
            "components are defined at the top level and named in `service::pipelines`"
        }
        "service::pipeline" => "did you mean `pipelines`?",
        "service::telemetry::logs::loglevel" => "it is called `level`",
        "service::telemetry::resource::attributes_list" => "use `attributes`",
        _ => return None,
    };
    Some(hint.to_owned())
}
