//! prometheus_remote_write exporter.
