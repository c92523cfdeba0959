//! Component types of the Collector and its contrib distribution, so that a type which this build lacks is told from one
//! that nobody has.
//!
//! A flat table per kind. Older spellings that differ from these by `_` only need no entry of their own.

use weir_component::ComponentKind;

/// Returns the known type that `name` spells, `_` disregarded.
pub(crate) fn find(kind: ComponentKind, name: &str) -> Option<&'static str> {
    let name = match (kind, name) {
        (ComponentKind::Exporter, "otlp") => "otlp_grpc",
        _ => name,
    };
    let bare = |name: &str| name.replace('_', "");
    let all = || names(kind);
    all()
        .find(|known| *known == name)
        .or_else(|| all().find(|known| bare(known) == bare(name)))
}

/// Returns all known types of a kind, under their present names.
pub fn names(kind: ComponentKind) -> impl Iterator<Item = &'static str> {
    let table = match kind {
        ComponentKind::Receiver => RECEIVERS,
        ComponentKind::Processor => PROCESSORS,
        ComponentKind::Exporter => EXPORTERS,
        ComponentKind::Connector => CONNECTORS,
        ComponentKind::Extension => EXTENSIONS,
    };
    table.split_ascii_whitespace()
}

const RECEIVERS: &str = "
    otlp nop active_directory_ds aerospike apache apache_spark aws_container_insights awscloudwatch
    awsecscontainermetrics awsfirehose awslambda awsxray azure_blob azure_event_hub azure_monitor carbon
    chrony ciscoos cloudflare cloudfoundry collectd couchdb datadog docker_stats elasticsearch envoyals expvar
    faro file file_log file_stats flinkmetrics fluentforward github gitlab google_cloud_monitoring
    googlecloudpubsub googlecloudpubsubpush googlecloudspanner haproxy host_metrics httpcheck huaweicloudces
    icmpcheck iis influxdb jaeger jmx journald k8s_cluster k8s_events k8sobjects kafka kafkametrics
    kubeletstats libhoney loki memcached mongodb mongodbatlas mysql named_pipe netflow netscaler nginx nsxt
    ntp opencensus oracledb osquery otelarrow otlpjsonfile podman_stats postgresql pprof prometheus
    prometheus_remote_write prometheus_simple pulsar purefa purefb rabbitmq receiver_creator redfish redis
    riak s3 awss3 saphana sapm signalfx skywalking snmp snowflake solace splunk_hec splunkenterprise sqlquery
    sqlserver sshcheck statsd stef syslog systemd tcp_check tcp_log tlscheck udp_log vault vcenter wavefront
    webhookevent windowseventlog windowsperfcounters windowsservice yang_grpc zipkin zookeeper
";

const PROCESSORS: &str = "
    batch memory_limiter attributes coralogix cumulative_to_delta datadogsemantics delta_to_cumulative
    delta_to_rate dns_lookup dynamic_sampling experimental_metricsgeneration filter geoip group_by_attrs
    group_by_trace interval isolation_forest k8s_attributes log_dedup logs_transform lookup metrics_generation
    metrics_start_time metric_start_time metrics_transform probabilistic_sampler redaction remote_tap resource
    resource_detection schema span span_pruning sumologic tail_sampling transform unroll
";

const EXPORTERS: &str = "
    debug nop otlp_grpc otlp_http alertmanager alibabacloud_logservice awscloudwatchlogs awsemf awskinesis
    awss3 awsxray azureblob azuredataexplorer azuremonitor bmchelix carbon cassandra clickhouse coralogix
    databricks datadog dataset doris elasticsearch faro file googlecloud googlecloudpubsub googlecloudstorage
    googlemanagedprometheus honeycombmarker influxdb jaeger jaeger_thrift kafka load_balancing logicmonitor
    logzio loki mezmo opencensus opensearch otelarrow prometheus prometheus_remote_write pulsar rabbitmq sapm
    sematext sentry signalfx splunk_hec stef sumologic syslog tencentcloud_logservice tinybird wavefront
    zipkin
";

const CONNECTORS: &str = "
    forward count datadog exceptions failover grafanacloud metrics_as_attributes otlpjson round_robin routing
    service_graph signal_to_metrics slow_sql span_metrics sum
";

const EXTENSIONS: &str = "
    zpages memory_limiter ack asapclient aws_proxy azure_auth azure_encoding basicauth bearertokenauth
    cgroup_runtime datadog db_storage docker_observer ecs_observer ecs_task_observer file_storage
    google_cloud_logentry_encoding google_client_auth headers_setter health_check host_observer
    http_forwarder jaegerremotesampling jaeger_encoding json_log_encoding k8s_leader_elector k8s_observer
    kafka_topics_observer oauth2client oidc opamp otlp_encoding pprof avro_log_encoding redis_storage
    remotetap sigv4auth skywalking_encoding solarwindsapmsettings sumologic text_encoding zipkin_encoding
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_known() {
        for (kind, name, expected) in [
            (
                ComponentKind::Exporter,
                "prometheusremotewrite",
                "prometheus_remote_write",
            ),
            (ComponentKind::Processor, "k8sattributes", "k8s_attributes"),
            (ComponentKind::Receiver, "filelog", "file_log"),
            (ComponentKind::Exporter, "otlp", "otlp_grpc"),
            (ComponentKind::Extension, "basicauth", "basicauth"),
            (ComponentKind::Connector, "spanmetrics", "span_metrics"),
        ] {
            assert_eq!(find(kind, name), Some(expected));
        }
        assert_eq!(find(ComponentKind::Exporter, "batch"), None);
    }
}
