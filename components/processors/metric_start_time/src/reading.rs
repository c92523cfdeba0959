//! Reads when the processes of a batch began.

use regex::Regex;
use weir_component::Batch;
use weir_pdata::view::{
    ExponentialHistogramPoint, HistogramPoint, Metric, MetricKind, MetricsVisitor, NumberPoint, Resource,
    Scope, SummaryPoint, Visit,
};

/// The metric that says when a process began, unless the configuration names another.
const START_TIME_METRIC: &str = "process_start_time_seconds";

/// Later than this, in seconds of Unix time, is no time of 64 bits of nanoseconds.
const END_OF_TIME: f64 = 1.8e10;

/// Returns for each resource of a batch, in order, when its process began: Unix time in nanoseconds, of the first metric that says so.
pub(crate) fn process_starts(batch: &Batch, named: Option<&Regex>) -> Vec<Option<u64>> {
    let mut reader = Reader {
        named,
        starts: Vec::new(),
    };
    batch.visit_metrics(&mut reader);
    reader.starts
}

struct Reader<'a> {
    named: Option<&'a Regex>,
    starts: Vec<Option<u64>>,
}

impl MetricsVisitor for Reader<'_> {
    fn resource(&mut self, _: &Resource<'_>) {
        self.starts.push(None);
    }

    fn scope(&mut self, _: &Scope<'_>) {}

    fn metric(&mut self, metric: &Metric<'_>) -> Visit {
        let says = matches!(metric.kind, MetricKind::Gauge | MetricKind::Sum { .. })
            && self.starts.last().is_some_and(Option::is_none)
            && match (self.named, std::str::from_utf8(metric.name.as_bytes())) {
                (Some(named), Ok(name)) => named.is_match(name),
                (None, Ok(name)) => name == START_TIME_METRIC,
                (_, Err(_)) => false,
            };
        match says {
            true => Visit::Points,
            false => Visit::Skip,
        }
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        let seconds = point.value.map_or(0.0, |value| value.as_f64());
        if let Some(start @ None) = self.starts.last_mut()
            && seconds > 0.0
            && seconds < END_OF_TIME
        {
            *start = Some((seconds * 1e9) as u64);
        }
    }

    fn histogram(&mut self, _: &HistogramPoint<'_>) {}

    fn exponential_histogram(&mut self, _: &ExponentialHistogramPoint<'_>) {}

    fn summary(&mut self, _: &SummaryPoint<'_>) {}
}
