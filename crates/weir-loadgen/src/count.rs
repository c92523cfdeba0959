//! Counting what a request holds, by a walk over its structure alone.

use std::ops::AddAssign;

use serde::Serialize;

use crate::wire::{Fields, Value, WireError, varint};

/// Signal of an OTLP request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Signal {
    /// `ExportMetricsServiceRequest`.
    #[default]
    Metrics,
    /// `ExportTraceServiceRequest`.
    Traces,
    /// `ExportLogsServiceRequest`.
    Logs,
}

impl Signal {
    /// Returns the path of the gRPC method that takes the signal.
    pub fn grpc_path(self) -> &'static str {
        match self {
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }

    /// Returns the path that takes the signal over OTLP/HTTP.
    pub fn http_path(self) -> &'static str {
        match self {
            Self::Metrics => "/v1/metrics",
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
        }
    }

    /// Returns the signal that a path of either protocol takes.
    pub fn of_path(path: &str) -> Option<Self> {
        let all = [Self::Metrics, Self::Traces, Self::Logs];
        all.into_iter()
            .find(|signal| path == signal.grpc_path() || path == signal.http_path())
    }
}

/// Kind of an item: of a data point, or a span or log record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PointKind {
    /// `Gauge`, field 5 of `Metric`.
    Gauge,
    /// `Sum`, field 7.
    Sum,
    /// `Histogram`, field 9.
    Histogram,
    /// `ExponentialHistogram`, field 10.
    Exponential,
    /// `Summary`, field 11.
    Summary,
    /// A span.
    Span,
    /// A log record.
    LogRecord,
}

impl PointKind {
    fn of(number: u32) -> Option<Self> {
        Some(match number {
            5 => Self::Gauge,
            7 => Self::Sum,
            9 => Self::Histogram,
            10 => Self::Exponential,
            11 => Self::Summary,
            _ => return None,
        })
    }
}

/// Items by kind: data points, spans and log records, all called points where a load is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Points {
    /// Points of sums.
    pub sum: u64,
    /// Points of gauges.
    pub gauge: u64,
    /// Points of explicit histograms.
    pub histogram: u64,
    /// Points of exponential histograms.
    pub exponential: u64,
    /// Points of summaries.
    pub summary: u64,
    /// Spans.
    pub spans: u64,
    /// Log records.
    pub log_records: u64,
}

impl Points {
    /// Returns the items of all kinds together.
    pub fn total(&self) -> u64 {
        self.data_points() + self.spans + self.log_records
    }

    /// Returns the data points of all kinds together.
    pub fn data_points(&self) -> u64 {
        self.sum + self.gauge + self.histogram + self.exponential + self.summary
    }

    /// Adds `count` items of a kind.
    pub fn add(&mut self, kind: PointKind, count: u64) {
        *match kind {
            PointKind::Gauge => &mut self.gauge,
            PointKind::Sum => &mut self.sum,
            PointKind::Histogram => &mut self.histogram,
            PointKind::Exponential => &mut self.exponential,
            PointKind::Summary => &mut self.summary,
            PointKind::Span => &mut self.spans,
            PointKind::LogRecord => &mut self.log_records,
        } += count;
    }
}

impl AddAssign for Points {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.gauge += other.gauge;
        self.histogram += other.histogram;
        self.exponential += other.exponential;
        self.summary += other.summary;
        self.spans += other.spans;
        self.log_records += other.log_records;
    }
}

/// Calls `visit` with kind, place and bytes of each item of a request.
///
/// # Errors
/// The first [`WireError`] met; items before it have been visited.
pub fn each_item<'a>(
    signal: Signal,
    request: &'a [u8],
    mut visit: impl FnMut(PointKind, usize, &'a [u8]) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let kind = match signal {
        Signal::Metrics => return each_point(request, visit),
        Signal::Traces => PointKind::Span,
        Signal::Logs => PointKind::LogRecord,
    };
    for resource in Fields::new(request) {
        let resource = resource?;
        let Some(bytes) = resource.bytes(1) else { continue };
        for scope in Fields::at(bytes, resource.offset) {
            let scope = scope?;
            let Some(bytes) = scope.bytes(2) else { continue };
            for item in Fields::at(bytes, scope.offset) {
                let item = item?;
                if let Some(bytes) = item.bytes(2) {
                    visit(kind, item.offset, bytes)?;
                }
            }
        }
    }
    Ok(())
}

/// Calls `visit` with kind, place and bytes of each data point of an `ExportMetricsServiceRequest`.
fn each_point<'a>(
    request: &'a [u8],
    mut visit: impl FnMut(PointKind, usize, &'a [u8]) -> Result<(), WireError>,
) -> Result<(), WireError> {
    for resource in Fields::new(request) {
        let resource = resource?;
        let Some(bytes) = resource.bytes(1) else { continue };
        for scope in Fields::at(bytes, resource.offset) {
            let scope = scope?;
            let Some(bytes) = scope.bytes(2) else { continue };
            for metric in Fields::at(bytes, scope.offset) {
                let metric = metric?;
                let Some(bytes) = metric.bytes(2) else { continue };
                for data in Fields::at(bytes, metric.offset) {
                    let data = data?;
                    let (Some(kind), Value::Bytes(bytes)) = (PointKind::of(data.number), data.value) else {
                        continue;
                    };
                    for point in Fields::at(bytes, data.offset) {
                        let point = point?;
                        if let Some(bytes) = point.bytes(1) {
                            visit(kind, point.offset, bytes)?;
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

/// Counts the items of a request.
///
/// # Errors
/// The first [`WireError`] met.
pub fn count_items(signal: Signal, request: &[u8]) -> Result<Points, WireError> {
    let mut points = Points::default();
    each_item(signal, request, |kind, _, _| {
        points.add(kind, 1);
        Ok(())
    })?;
    Ok(points)
}

/// What a remote-write request holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// `TimeSeries` messages.
    pub series: u64,
    /// Float samples, those of `target_info` included.
    pub samples: u64,
    /// Native histograms.
    pub histograms: u64,
    /// Exemplars.
    pub exemplars: u64,
    /// Samples of series named `target_info`, which no data point stands for.
    pub info_samples: u64,
}

impl AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.series += other.series;
        self.samples += other.samples;
        self.histograms += other.histograms;
        self.exemplars += other.exemplars;
        self.info_samples += other.info_samples;
    }
}

const NAME: &[u8] = b"__name__";
const TARGET_INFO: &[u8] = b"target_info";

/// Counts a remote write 1.0 `WriteRequest`.
///
/// # Errors
/// The first [`WireError`] met.
pub fn count_write_v1(request: &[u8]) -> Result<Written, WireError> {
    let mut written = Written::default();
    for field in Fields::new(request) {
        let Some(series) = field?.bytes(1) else { continue };
        let (mut samples, mut named, mut info) = (0, false, false);
        for field in Fields::new(series) {
            let field = field?;
            match field.number {
                1 if !named => {
                    if let Some(label) = field.bytes(1) {
                        (named, info) = name_label(label)?;
                    }
                }
                2 => samples += 1,
                3 => written.exemplars += 1,
                4 => written.histograms += 1,
                _ => {}
            }
        }
        written.series += 1;
        written.samples += samples;
        written.info_samples += if info { samples } else { 0 };
    }
    Ok(written)
}

/// Tells of a 1.0 label whether it is the name, and whether that name is `target_info`.
fn name_label(label: &[u8]) -> Result<(bool, bool), WireError> {
    let (mut named, mut info) = (false, false);
    for field in Fields::new(label) {
        let field = field?;
        named |= field.bytes(1) == Some(NAME);
        info |= field.bytes(2) == Some(TARGET_INFO);
    }
    Ok((named, named && info))
}

/// Counts a remote write 2.0 `Request`.
///
/// # Errors
/// The first [`WireError`] met.
pub fn count_write_v2(request: &[u8]) -> Result<Written, WireError> {
    // Places of the two symbols that tell target_info; symbols come before series in what senders write, but the
    // wire does not promise it, hence two passes.
    let (mut symbols, mut name, mut info) = (0, None, None);
    for field in Fields::new(request) {
        if let Some(symbol) = field?.bytes(4) {
            if symbol == NAME {
                name = Some(symbols);
            } else if symbol == TARGET_INFO {
                info = Some(symbols);
            }
            symbols += 1;
        }
    }
    let mut written = Written::default();
    for field in Fields::new(request) {
        let Some(series) = field?.bytes(5) else { continue };
        let (mut samples, mut is_info) = (0, false);
        for field in Fields::new(series) {
            let field = field?;
            match field.number {
                1 if info.is_some() => {
                    if let Some(refs) = field.bytes(1) {
                        is_info = value_of(refs, name)? == info;
                    }
                }
                2 => samples += 1,
                3 => written.histograms += 1,
                4 => written.exemplars += 1,
                _ => {}
            }
        }
        written.series += 1;
        written.samples += samples;
        written.info_samples += if is_info { samples } else { 0 };
    }
    Ok(written)
}

/// Returns the value's symbol of the label whose name has symbol `name`.
fn value_of(refs: &[u8], name: Option<u64>) -> Result<Option<u64>, WireError> {
    let mut position = 0;
    while position < refs.len() {
        let key = varint(refs, &mut position)?;
        let value = varint(refs, &mut position)?;
        if Some(key) == name {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_counted_without_panic(bytes: Vec<u8>) {
            for signal in [Signal::Metrics, Signal::Traces, Signal::Logs] {
                let _ = count_items(signal, &bytes);
            }
            let _ = (count_write_v1(&bytes), count_write_v2(&bytes));
        }
    }
}
