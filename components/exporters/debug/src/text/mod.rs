//! The printed form of a batch.

mod detailed;
mod normal;
mod value;

use std::fmt;

use weir_component::{Batch, Signal};
use weir_pdata::view::{
    ExponentialHistogramPoint, HistogramPoint, Metric, MetricsVisitor, NumberPoint, Resource, Scope,
    SummaryPoint, Visit,
};

pub(crate) use detailed::detailed;
pub(crate) use normal::normal;

/// Counts of a batch.
pub(crate) enum Counts {
    Metrics {
        resources: usize,
        metrics: usize,
        points: usize,
    },
    Traces {
        resources: usize,
        spans: usize,
    },
    Logs {
        resources: usize,
        records: usize,
    },
}

impl Counts {
    /// Counts a batch, without decoding it or looking at a point.
    pub(crate) fn of(batch: &Batch) -> Self {
        let (resources, items) = (batch.resources(), batch.items());
        match batch.signal() {
            Signal::Metrics => {
                let mut metrics = Metrics(0);
                batch.visit_metrics(&mut metrics);
                Self::Metrics {
                    resources,
                    metrics: metrics.0,
                    points: items,
                }
            }
            Signal::Traces => Self::Traces {
                resources,
                spans: items,
            },
            Signal::Logs => Self::Logs {
                resources,
                records: items,
            },
        }
    }

    /// Writes the counts to Weir's own log.
    pub(crate) fn log(&self) {
        match *self {
            Self::Metrics {
                resources,
                metrics,
                points,
            } => {
                tracing::info!(
                    "resource metrics" = resources,
                    metrics,
                    "data points" = points,
                    "Metrics"
                );
            }
            Self::Traces { resources, spans } => {
                tracing::info!("resource spans" = resources, spans, "Traces")
            }
            Self::Logs { resources, records } => {
                tracing::info!("resource logs" = resources, "log records" = records, "Logs")
            }
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metrics {
                resources,
                metrics,
                points,
            } => {
                write!(
                    f,
                    "Metrics: resource metrics {resources}, metrics {metrics}, data points {points}"
                )
            }
            Self::Traces { resources, spans } => {
                write!(f, "Traces: resource spans {resources}, spans {spans}")
            }
            Self::Logs { resources, records } => {
                write!(f, "Logs: resource logs {resources}, log records {records}")
            }
        }
    }
}

/// Counts metrics.
struct Metrics(usize);

impl MetricsVisitor for Metrics {
    fn resource(&mut self, _: &Resource<'_>) {}

    fn scope(&mut self, _: &Scope<'_>) {}

    fn metric(&mut self, _: &Metric<'_>) -> Visit {
        self.0 += 1;
        Visit::Skip
    }

    fn number(&mut self, _: &NumberPoint<'_>) {}

    fn histogram(&mut self, _: &HistogramPoint<'_>) {}

    fn exponential_histogram(&mut self, _: &ExponentialHistogramPoint<'_>) {}

    fn summary(&mut self, _: &SummaryPoint<'_>) {}
}

/// Returns how the printed form calls the groups of a signal, for example `Metrics` in `ResourceMetrics`.
const fn group(signal: Signal) -> &'static str {
    match signal {
        Signal::Metrics => "Metrics",
        Signal::Traces => "Spans",
        Signal::Logs => "Logs",
    }
}

#[cfg(test)]
mod tests;
