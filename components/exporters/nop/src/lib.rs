//! nop exporter: accepts everything.
