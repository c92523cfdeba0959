//! The printed form of a batch.

mod detailed;
mod normal;
mod value;

use std::fmt;

use weir_component::Signal;
use weir_pdata::Decoded;

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

/// Counts a batch.
pub(crate) fn basic(decoded: &Decoded) -> Counts {
    let items = decoded.items();
    match decoded {
        Decoded::Metrics(request) => {
            let scopes = request
                .resource_metrics
                .iter()
                .flat_map(|resource| &resource.scope_metrics);
            let metrics = scopes.map(|scope| scope.metrics.len()).sum();
            Counts::Metrics {
                resources: request.resource_metrics.len(),
                metrics,
                points: items,
            }
        }
        Decoded::Traces(request) => Counts::Traces {
            resources: request.resource_spans.len(),
            spans: items,
        },
        Decoded::Logs(request) => Counts::Logs {
            resources: request.resource_logs.len(),
            records: items,
        },
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
