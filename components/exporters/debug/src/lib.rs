//! debug exporter: prints batches.
