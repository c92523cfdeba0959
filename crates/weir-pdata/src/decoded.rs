//! Decoded OTLP messages: the form for those who edit freely.

use bytes::Bytes;
use prost::Message;
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::metrics::v1::Metric;
use weir_proto::otlp::metrics::v1::metric::Data;

use crate::Signal;

/// A decoded export request of one signal.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// Metrics.
    Metrics(ExportMetricsServiceRequest),
    /// Traces.
    Traces(ExportTraceServiceRequest),
    /// Logs.
    Logs(ExportLogsServiceRequest),
}

/// A request whose structure is sound but that cannot be decoded: a string in it is not UTF-8.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot decode OTLP request")]
pub struct DecodeError(#[from] prost::DecodeError);

impl Decoded {
    /// Returns an empty request.
    pub fn empty(signal: Signal) -> Self {
        match signal {
            Signal::Metrics => Self::Metrics(ExportMetricsServiceRequest::default()),
            Signal::Traces => Self::Traces(ExportTraceServiceRequest::default()),
            Signal::Logs => Self::Logs(ExportLogsServiceRequest::default()),
        }
    }

    /// Decodes a request.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are no such request.
    pub fn from_bytes(signal: Signal, bytes: Bytes) -> Result<Self, DecodeError> {
        Ok(match signal {
            Signal::Metrics => Self::Metrics(ExportMetricsServiceRequest::decode(bytes)?),
            Signal::Traces => Self::Traces(ExportTraceServiceRequest::decode(bytes)?),
            Signal::Logs => Self::Logs(ExportLogsServiceRequest::decode(bytes)?),
        })
    }

    /// Encodes the request.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Metrics(request) => request.encode_to_vec(),
            Self::Traces(request) => request.encode_to_vec(),
            Self::Logs(request) => request.encode_to_vec(),
        }
        .into()
    }

    /// Returns the length of the encoded request in bytes. Walks the whole request.
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::Metrics(request) => request.encoded_len(),
            Self::Traces(request) => request.encoded_len(),
            Self::Logs(request) => request.encoded_len(),
        }
    }

    /// Returns the signal.
    pub const fn signal(&self) -> Signal {
        match self {
            Self::Metrics(_) => Signal::Metrics,
            Self::Traces(_) => Signal::Traces,
            Self::Logs(_) => Signal::Logs,
        }
    }

    /// Returns the metrics in order; none of other signals.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = &Metric> {
        let resources = match self {
            Self::Metrics(request) => request.resource_metrics.as_slice(),
            Self::Traces(_) | Self::Logs(_) => &[],
        };
        let scopes = resources.iter().flat_map(|resource| &resource.scope_metrics);
        scopes.flat_map(|scope| &scope.metrics)
    }

    /// Counts data points, spans or log records.
    pub fn items(&self) -> usize {
        match self {
            Self::Metrics(_) => self.metrics().map(Self::points).sum(),
            Self::Traces(request) => request
                .resource_spans
                .iter()
                .flat_map(|resource| &resource.scope_spans)
                .map(|scope| scope.spans.len())
                .sum(),
            Self::Logs(request) => request
                .resource_logs
                .iter()
                .flat_map(|resource| &resource.scope_logs)
                .map(|scope| scope.log_records.len())
                .sum(),
        }
    }

    /// Counts the data points of a metric.
    pub(crate) fn points(metric: &Metric) -> usize {
        match &metric.data {
            Some(Data::Gauge(data)) => data.data_points.len(),
            Some(Data::Sum(data)) => data.data_points.len(),
            Some(Data::Histogram(data)) => data.data_points.len(),
            Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
            Some(Data::Summary(data)) => data.data_points.len(),
            None => 0,
        }
    }

    /// Appends another request of the same signal; returns it if it is of another.
    pub(crate) fn append(&mut self, other: Self) -> Result<(), Self> {
        match (self, other) {
            (Self::Metrics(request), Self::Metrics(other)) => {
                request.resource_metrics.extend(other.resource_metrics)
            }
            (Self::Traces(request), Self::Traces(other)) => {
                request.resource_spans.extend(other.resource_spans)
            }
            (Self::Logs(request), Self::Logs(other)) => request.resource_logs.extend(other.resource_logs),
            (_, other) => return Err(other),
        }
        Ok(())
    }
}
