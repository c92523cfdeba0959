//! Batches of deltas, and what comes out of them.

use weir_component::Batch;
use weir_pdata::Signal;
use weir_processor_delta_to_cumulative::FACTORY;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_testkit::{Bench, Sink, contract, points};

pub(crate) use weir_testkit::points::{Point, SECOND, attributes, metrics, refusals};

/// Builds a processor in front of a sink.
pub(crate) fn bench(yaml: &str) -> (Bench, Sink) {
    let sink = Sink::new();
    let config = contract::config(&FACTORY.meta, yaml);
    (Bench::processor(FACTORY, &config, Signal::Metrics, &sink), sink)
}

/// Makes a batch of one monotonic sum.
pub(crate) fn sum(temporality: i32, points: &[Point]) -> Batch {
    of_data(vec![points::sum(temporality, true, points)])
}

/// Makes a batch of one delta sum.
pub(crate) fn deltas(points: &[Point]) -> Batch {
    sum(1, points)
}

/// Makes a batch of one metric for each kind of data.
pub(crate) fn of_data(data: Vec<Data>) -> Batch {
    points::batch("requests", data)
}

/// Returns the points of cumulative sums in batches.
pub(crate) fn totals(batches: &[Batch]) -> Vec<Point> {
    points::sums(batches, 2)
}
