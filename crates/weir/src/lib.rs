//! What the `weir` binary offers: the list of its components. A distribution of your own has such a list, too.

use weir_cli::Catalog;

/// Returns the components on offer, in the order in which pages and messages list them.
pub fn components() -> Catalog {
    Catalog::new([
        weir_receiver_otlp::FACTORY.into(),
        weir_processor_attributes::FACTORY.into(),
        weir_processor_batch::FACTORY.into(),
        weir_processor_cardinality_limit::FACTORY.into(),
        weir_processor_filter::FACTORY.into(),
        weir_processor_group_by_attrs::FACTORY.into(),
        weir_processor_cumulative_to_delta::FACTORY.into(),
        weir_processor_delta_to_cumulative::FACTORY.into(),
        weir_processor_interval::FACTORY.into(),
        weir_processor_memory_limiter::FACTORY.into(),
        weir_processor_metric_start_time::FACTORY.into(),
        weir_processor_metrics_transform::FACTORY.into(),
        weir_processor_relabel::FACTORY.into(),
        weir_processor_resource::FACTORY.into(),
        weir_exporter_debug::FACTORY.into(),
        weir_exporter_file::FACTORY.into(),
        weir_exporter_nop::FACTORY.into(),
        weir_exporter_otlp_grpc::FACTORY.into(),
        weir_exporter_otlp_http::FACTORY.into(),
        weir_exporter_prometheus_remote_write::FACTORY.into(),
        weir_connector_forward::FACTORY.into(),
        weir_extension_basicauth::FACTORY.into(),
        weir_extension_bearertokenauth::FACTORY.into(),
        weir_extension_file_storage::FACTORY.into(),
        weir_extension_health_check::FACTORY.into(),
        weir_extension_headers_setter::FACTORY.into(),
        weir_extension_oauth2client::FACTORY.into(),
        weir_extension_oidc::FACTORY.into(),
        weir_extension_sigv4auth::FACTORY.into(),
        weir_extension_memory_limiter::FACTORY.into(),
        weir_extension_pprof::FACTORY.into(),
        weir_extension_zpages::FACTORY.into(),
    ])
}
