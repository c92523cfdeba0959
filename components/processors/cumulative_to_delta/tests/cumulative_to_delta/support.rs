//! Batches of totals, and what comes out of them.

use weir_component::{Batch, Signal};
use weir_processor_cumulative_to_delta::FACTORY;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_testkit::{Bench, Sink, contract, points};

pub(crate) use weir_testkit::points::{Point, SECOND, attributes, metrics, refusals};

/// Later than any moment at which these tests run, in seconds.
pub(crate) const FUTURE: u64 = 10_000_000_000;

/// Builds a processor in front of a sink.
pub(crate) fn bench(yaml: &str) -> (Bench, Sink) {
    let sink = Sink::new();
    let config = contract::config(&FACTORY.meta, yaml);
    (Bench::processor(FACTORY, &config, Signal::Metrics, &sink), sink)
}

/// Makes a batch of one sum.
pub(crate) fn sum(name: &str, temporality: i32, is_monotonic: bool, points: &[Point]) -> Batch {
    of_data(name, points::sum(temporality, is_monotonic, points))
}

/// Makes a batch of one cumulative, monotonic sum.
pub(crate) fn totals(points: &[Point]) -> Batch {
    sum("requests", 2, true, points)
}

/// Makes a batch of one metric.
pub(crate) fn of_data(name: &str, data: Data) -> Batch {
    points::batch(name, [data])
}

/// Returns the points of delta sums in batches.
pub(crate) fn deltas(batches: &[Batch]) -> Vec<Point> {
    points::sums(batches, 1)
}
