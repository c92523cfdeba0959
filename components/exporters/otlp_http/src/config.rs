//! Options of the exporter, as the user writes them.

use std::time::Duration;

use weir_component::Signal;
use weir_component::config::{OnUnlessDisabled, Validate, Violations, schema};
use weir_component::schemars::{self, JsonSchema};
use weir_export::{RetryOnFailure, SendingQueue};
use weir_net::client::{Compression, HttpClient, Target, TargetError};
use weir_net::compression::Encoding;

use crate::Format;

/// Options of the `otlp_http` exporter.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Config {
    /// The HTTP client, its keys on the same level. `endpoint` is the base URL: `v1/metrics`, `v1/traces` or `v1/logs` is appended.
    /// `timeout` (default: 30s) bounds one attempt; `compression` is `gzip` and `write_buffer_size` 524288 by default.
    #[schemars(flatten)]
    pub client: HttpClient,
    /// URL for metrics, as it is. Default: that below `endpoint`.
    pub metrics_endpoint: String,
    /// URL for traces, as it is. Default: that below `endpoint`.
    pub traces_endpoint: String,
    /// URL for logs, as it is. Default: that below `endpoint`.
    pub logs_endpoint: String,
    /// URL for profiles, which Weir does not know: setting it is an error.
    pub profiles_endpoint: String,
    /// Form of requests: `proto` or `json`. Default: `proto`.
    pub encoding: Format,
    /// The queue in memory. Default: on.
    pub sending_queue: OnUnlessDisabled<SendingQueue>,
    /// How a request is sent again.
    pub retry_on_failure: RetryOnFailure,
}

weir_net::keys!(Config {
    metrics_endpoint, traces_endpoint, logs_endpoint, profiles_endpoint, encoding, sending_queue, retry_on_failure,
} flat { client: HttpClient });

impl Default for Config {
    fn default() -> Self {
        Self {
            client: HttpClient {
                timeout: Duration::from_secs(30),
                compression: Compression(Encoding::Gzip),
                write_buffer_size: 512 << 10,
                ..HttpClient::default()
            },
            metrics_endpoint: String::new(),
            traces_endpoint: String::new(),
            logs_endpoint: String::new(),
            profiles_endpoint: String::new(),
            encoding: Format::default(),
            sending_queue: OnUnlessDisabled::default(),
            retry_on_failure: RetryOnFailure::default(),
        }
    }
}

impl Config {
    /// Returns the URL for a signal, if there is one.
    pub(crate) fn target(&self, signal: Signal) -> Result<Option<Target>, TargetError> {
        let (own, path) = match signal {
            Signal::Metrics => (&self.metrics_endpoint, "v1/metrics"),
            Signal::Traces => (&self.traces_endpoint, "v1/traces"),
            Signal::Logs => (&self.logs_endpoint, "v1/logs"),
        };
        match (own.as_str(), self.client.endpoint.as_str()) {
            ("", "") => Ok(None),
            ("", base) => Target::parse(base)?.join(path).map(Some),
            (own, _) => Target::parse(own).map(Some),
        }
    }

    /// Returns the client as it is built: attempts are timed above it.
    pub(crate) fn transport(&self) -> HttpClient {
        HttpClient {
            timeout: Duration::ZERO,
            ..self.client.clone()
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.nested("", &self.client);
        let endpoints = [
            ("endpoint", &self.client.endpoint),
            ("metrics_endpoint", &self.metrics_endpoint),
            ("traces_endpoint", &self.traces_endpoint),
            ("logs_endpoint", &self.logs_endpoint),
        ];
        found.require(
            endpoints.iter().any(|(_, url)| !url.is_empty()),
            "endpoint",
            "required: the base URL of the server, such as `http://collector:4318`, or an endpoint per signal",
        );
        for (key, url) in endpoints {
            if !url.is_empty()
                && let Err(error) = Target::parse(url)
            {
                found.add(key, error.to_string());
            }
        }
        found.require(
            self.profiles_endpoint.is_empty(),
            "profiles_endpoint",
            "profiles are not supported",
        );
        found.nested("sending_queue", &self.sending_queue);
        found.nested("retry_on_failure", &self.retry_on_failure);
    }
}

#[cfg(test)]
mod tests {
    use weir_testkit::contract::{config, config_is_strict, mistakes};

    use super::*;
    use crate::FACTORY;

    fn read(yaml: &str) -> Config {
        config(&FACTORY.meta, yaml).downcast::<Config>().unwrap().clone()
    }

    #[test]
    fn defaults_are_those_of_the_collector() {
        let config = read("{endpoint: 'http://collector:4318'}");
        assert_eq!(config.client.timeout, Duration::from_secs(30));
        assert_eq!(config.client.compression.0, Encoding::Gzip);
        assert_eq!(config.client.write_buffer_size, 524_288);
        assert_eq!(config.encoding, Format::Proto);
        assert_eq!(config.sending_queue.as_ref().unwrap().queue_size, 1000);
        assert_eq!(config.retry_on_failure.initial_interval, Duration::from_secs(5));
    }

    #[test]
    fn signals_have_paths_below_the_base_or_urls_of_their_own() {
        let target = |yaml: &str, signal| {
            read(yaml)
                .target(signal)
                .unwrap()
                .map(|target| target.to_string())
        };
        for base in ["http://h:4318/otlp", "http://h:4318/otlp/"] {
            let yaml = format!("{{endpoint: '{base}', logs_endpoint: 'https://logs/in'}}");
            assert_eq!(
                target(&yaml, Signal::Metrics).unwrap(),
                "http://h:4318/otlp/v1/metrics"
            );
            assert_eq!(
                target(&yaml, Signal::Traces).unwrap(),
                "http://h:4318/otlp/v1/traces"
            );
            assert_eq!(target(&yaml, Signal::Logs).unwrap(), "https://logs/in");
        }
        assert_eq!(
            target("{logs_endpoint: 'https://logs/in'}", Signal::Metrics),
            None
        );
    }

    #[test]
    fn the_old_spelling_works() {
        assert_eq!(FACTORY.meta.aliases, ["otlphttp"]);
        config_is_strict(&FACTORY.meta, "{endpoint: 'http://h', sending_queue: {batch: }}");
        config_is_strict(
            &FACTORY.meta,
            "{traces_endpoint: 'http://h', encoding: json, compression: lz4, sending_queue: {enabled: false}}",
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (yaml, expected) in [
            ("", "endpoint: required"),
            (
                "{endpoint: 'collector:4318'}",
                "endpoint: `collector:4318` is not a URL",
            ),
            (
                "{metrics_endpoint: 'ftp://h'}",
                "metrics_endpoint: scheme `ftp` is not supported",
            ),
            (
                "{endpoint: 'http://h', profiles_endpoint: 'http://h'}",
                "profiles_endpoint: ",
            ),
            ("{endpoint: 'http://h', encoding: xml}", "unknown variant"),
            ("{endpoint: 'http://h', compression: br}", "unknown compression"),
            ("{endpoint: 'http://h', auth: {}}", "auth::authenticator: "),
            ("{endpoint: 'http://h', middlewares: [{id: x}]}", "middlewares: "),
            ("{endpoint: 'http://h', cookies: {}}", "cookies: "),
            (
                "{endpoint: 'http://h', sending_queue: {storage: file_storage}}",
                "sending_queue::storage: persistent queues are not supported yet",
            ),
            (
                "{endpoint: 'http://h', retry_on_failure: {max_elapsed_time: 1s}}",
                "retry_on_failure::max_elapsed_time: ",
            ),
        ] {
            let found = mistakes(&FACTORY.meta, yaml);
            assert!(
                found.len() == 1 && found[0].starts_with(expected),
                "{yaml}: {found:?}"
            );
        }
    }
}
