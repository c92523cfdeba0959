//! The printed form of a batch.

mod detailed;
mod normal;
mod value;

use std::fmt;

use weir_component::{Batch, Signal};

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
            Signal::Metrics => Self::Metrics {
                resources,
                metrics: batch.metrics(),
                points: items,
            },
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
