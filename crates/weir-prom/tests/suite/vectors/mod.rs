//! Runs the worked vectors of `testdata/otlp-prometheus-vectors.yaml` against the real code.

mod file;
mod http;
mod layout;
mod naming;
mod points;
mod wire;
