//! Options of the exporter, as the user writes them.

use std::time::Duration;

use weir_component::config::{OnUnlessDisabled, Validate, Violations, schema};
use weir_component::schemars::{self, JsonSchema};
use weir_export::{RetryOnFailure, SendingQueue};
use weir_net::client::{Compression, GrpcClient};
use weir_net::compression::Encoding;
use weir_net::config::Span;

/// Options of the `otlp_grpc` exporter.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(transform = schema::keys::<Self>)]
pub struct Config {
    /// The gRPC client, its keys on the same level. `endpoint` is required; `compression` is `gzip` and `write_buffer_size` 524288 by
    /// default.
    #[schemars(flatten)]
    pub client: GrpcClient,
    /// Longest time of one attempt, which the server is told; 0 is no limit. Default: 5s.
    #[schemars(with = "Span")]
    pub timeout: Duration,
    /// The queue in memory. Default: on.
    pub sending_queue: OnUnlessDisabled<SendingQueue>,
    /// How a request is sent again.
    pub retry_on_failure: RetryOnFailure,
}

weir_net::keys!(Config {
    timeout as Span, sending_queue, retry_on_failure,
} flat { client: GrpcClient });

impl Default for Config {
    fn default() -> Self {
        Self {
            client: GrpcClient {
                compression: Compression(Encoding::Gzip),
                write_buffer_size: 512 << 10,
                ..GrpcClient::default()
            },
            timeout: Duration::from_secs(5),
            sending_queue: OnUnlessDisabled::default(),
            retry_on_failure: RetryOnFailure::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.nested("", &self.client);
        found.nested("sending_queue", &self.sending_queue);
        found.nested("retry_on_failure", &self.retry_on_failure);
    }
}

#[cfg(test)]
mod tests {
    use weir_testkit::contract::{config, config_is_strict, mistakes};

    use super::*;
    use crate::FACTORY;

    #[test]
    fn defaults_are_those_of_the_collector() {
        let parsed = config(&FACTORY.meta, "{endpoint: 'collector:4317'}");
        let config = parsed.downcast::<Config>().unwrap();
        assert_eq!(config.timeout, Duration::from_secs(5));
        assert_eq!(config.client.compression.0, Encoding::Gzip);
        assert_eq!(config.client.write_buffer_size, 524_288);
        assert!(!config.client.keepalive.is_on());
        let queue = config.sending_queue.as_ref().unwrap();
        assert_eq!((queue.queue_size, queue.num_consumers), (1000, 10));
        assert_eq!(config.retry_on_failure.initial_interval, Duration::from_secs(5));
    }

    #[test]
    fn the_old_spelling_works() {
        assert_eq!(FACTORY.meta.aliases, ["otlp"]);
        config_is_strict(&FACTORY.meta, "{endpoint: 'h:1', sending_queue: {batch: }}");
        config_is_strict(
            &FACTORY.meta,
            "{endpoint: 'h:1', sending_queue: {enabled: false}, keepalive: {time: 30s}, headers: {a: b}}",
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (yaml, expected) in [
            ("", "endpoint: required"),
            (
                "{endpoint: 'collector'}",
                "endpoint: `collector` is not `host:port`",
            ),
            (
                "{endpoint: 'h:1', compression: lz4}",
                "compression: gRPC has no `lz4`",
            ),
            ("{endpoint: 'h:1', balancer_name: ring_hash}", "balancer_name: "),
            ("{endpoint: 'h:1', wait_for_ready: true}", "wait_for_ready: "),
            ("{endpoint: 'h:1', auth: {}}", "auth::authenticator: "),
            ("{endpoint: 'h:1', middlewares: [{id: x}]}", "middlewares: "),
            (
                "{endpoint: 'h:1', tls: {cert_file: a}}",
                "tls: a certificate (cert_file, cert_pem) and its key",
            ),
            (
                "{endpoint: 'h:1', sending_queue: {storage: file_storage}}",
                "sending_queue::storage: persistent queues are not supported yet",
            ),
            (
                "{endpoint: 'h:1', sending_queue: {sizer: requests, batch: {}}}",
                "sending_queue::batch::sizer: ",
            ),
            (
                "{endpoint: 'h:1', retry_on_failure: {max_elapsed_time: 1s}}",
                "retry_on_failure::max_elapsed_time: ",
            ),
            ("{endpoint: 'h:1', timeout: 5}", "invalid type"),
        ] {
            let found = mistakes(&FACTORY.meta, yaml);
            assert!(
                found.len() == 1 && found[0].starts_with(expected),
                "{yaml}: {found:?}"
            );
        }
    }
}
