//! Decoded messages as text.
//!
//! The layout follows that of the Collector's exporter of the same name, which declares it unstable.

mod detailed;
mod normal;
mod value;

use std::fmt::{self, Write as _};

use weir_pdata::Decoded;

/// Returns one line per span, point or record.
pub(crate) fn normal(decoded: &Decoded) -> String {
    let mut text = String::new();
    match decoded {
        Decoded::Metrics(request) => normal::metrics(&mut text, request),
        Decoded::Traces(request) => normal::traces(&mut text, request),
        Decoded::Logs(request) => normal::logs(&mut text, request),
    }
    .expect("strings take everything");
    text
}

/// Returns everything, a field per line.
pub(crate) fn detailed(decoded: &Decoded) -> String {
    let mut text = String::new();
    match decoded {
        Decoded::Metrics(request) => detailed::metrics(&mut text, request),
        Decoded::Traces(request) => detailed::traces(&mut text, request),
        Decoded::Logs(request) => detailed::logs(&mut text, request),
    }
    .expect("strings take everything");
    text
}

/// The counts of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Summary {
    Metrics { resources: usize, metrics: usize, points: usize },
    Traces { resources: usize, spans: usize },
    Logs { resources: usize, records: usize },
}

impl Summary {
    pub(crate) fn of(decoded: &Decoded) -> Self {
        let items = decoded.items();
        match decoded {
            Decoded::Metrics(request) => {
                let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
                let metrics = scopes.map(|scope| scope.metrics.len()).sum();
                Self::Metrics { resources: request.resource_metrics.len(), metrics, points: items }
            }
            Decoded::Traces(request) => Self::Traces { resources: request.resource_spans.len(), spans: items },
            Decoded::Logs(request) => Self::Logs { resources: request.resource_logs.len(), records: items },
        }
    }

    /// Writes the counts as fields of a log line.
    pub(crate) fn log(&self) {
        match *self {
            Self::Metrics { resources, metrics, points } => {
                tracing::info!("resource metrics" = resources, "metrics" = metrics, "data points" = points, "Metrics");
            }
            Self::Traces { resources, spans } => tracing::info!("resource spans" = resources, "spans" = spans, "Traces"),
            Self::Logs { resources, records } => tracing::info!("resource logs" = resources, "log records" = records, "Logs"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metrics { resources, metrics, points } => write!(
                f,
                "Metrics\t{{\"resource metrics\": {resources}, \"metrics\": {metrics}, \"data points\": {points}}}"
            ),
            Self::Traces { resources, spans } => {
                write!(f, "Traces\t{{\"resource spans\": {resources}, \"spans\": {spans}}}")
            }
            Self::Logs { resources, records } => {
                write!(f, "Logs\t{{\"resource logs\": {resources}, \"log records\": {records}}}")
            }
        }
    }
}

/// Lower-case hexadecimal digits of an id.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("strings take everything");
        text
    })
}

/// A Unix time in nanoseconds as date and time in UTC.
fn time(nanos: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanos))
        .map_or_else(|_| nanos.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string())
}

#[cfg(test)]
mod tests;
