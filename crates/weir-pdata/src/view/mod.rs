//! One reading of metrics, whatever form they are in.
//!
//! A writer (translator, hasher, filter, printer) implements [`MetricsVisitor`] and is shown resources, scopes, metrics and points in
//! order. The same structs stand for wire bytes and for decoded messages; nothing is allocated per point.
//!
//! Texts come as [`Text`]: bytes whose UTF-8 is judged when somebody asks, so that a writer that interns judges each distinct
//! string once.

mod attributes;
mod decoded;
mod logs;
mod text;
mod traces;
pub(crate) mod wire;

pub use attributes::{AnyValue, ArrayView, Attribute, Attributes, InvalidUtf8, MapView, Text};
pub(crate) use decoded::visit_decoded;
pub use logs::LogRecord;
pub(crate) use logs::log_record;
pub use text::{ValueError, push_double, push_text};
pub(crate) use traces::span;
pub use traces::{Span, StatusCode};
pub(crate) use wire::{count_metrics, visit_wire};

/// Is shown the metrics of a batch in order: resource, its scopes, their metrics, their points.
pub trait MetricsVisitor {
    /// A resource begins; what follows belongs to it until the next one.
    fn resource(&mut self, resource: &Resource<'_>);

    /// A scope begins.
    fn scope(&mut self, scope: &Scope<'_>);

    /// A metric begins. The answer says whether its points are wanted.
    fn metric(&mut self, metric: &Metric<'_>) -> Visit;

    /// A point of a gauge or sum.
    fn number(&mut self, point: &NumberPoint<'_>);

    /// A point of an explicit-bucket histogram.
    fn histogram(&mut self, point: &HistogramPoint<'_>);

    /// A point of an exponential histogram.
    fn exponential_histogram(&mut self, point: &ExponentialHistogramPoint<'_>);

    /// A point of a summary.
    fn summary(&mut self, point: &SummaryPoint<'_>);
}

/// Whether the points of a metric are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Show the points.
    Points,
    /// Go on with the next metric.
    Skip,
}

/// What produced the telemetry.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// The resource's attributes.
    pub attributes: Attributes<'a>,
    /// Schema URL of the resource.
    pub schema_url: Text<'a>,
}

/// The instrumentation scope.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Name of the instrumentation library.
    pub name: Text<'a>,
    /// Its version.
    pub version: Text<'a>,
    /// Its schema URL.
    pub schema_url: Text<'a>,
    /// Attributes of the scope.
    pub attributes: Attributes<'a>,
}

/// A metric without its points.
#[derive(Debug, Clone, Copy)]
pub struct Metric<'a> {
    /// Name of the instrument.
    pub name: Text<'a>,
    /// Description; becomes the help text.
    pub description: Text<'a>,
    /// Unit in UCUM.
    pub unit: Text<'a>,
    /// Kind of data.
    pub kind: MetricKind,
    /// Number of points.
    pub points: usize,
    /// Additional metadata of the metric (not identifying).
    pub metadata: Attributes<'a>,
    /// Name, description and unit as they stand on the wire, if there is nothing else beside the data: equal bytes are equal in all
    /// but kind and points. Empty if that is not known.
    pub head: &'a [u8],
}

/// The kind of data of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// Last values.
    Gauge,
    /// A sum of measurements.
    Sum {
        /// What a point's value covers.
        temporality: Temporality,
        /// Whether the sum never falls.
        monotonic: bool,
    },
    /// A histogram with explicit bounds.
    Histogram {
        /// What a point's value covers.
        temporality: Temporality,
    },
    /// A histogram with exponential buckets.
    ExponentialHistogram {
        /// What a point's value covers.
        temporality: Temporality,
    },
    /// Quantiles computed by the source.
    Summary,
    /// The metric carries no data.
    None,
}

/// What the value of a point covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Temporality {
    /// Not said, or a number that the specification does not know.
    Unspecified,
    /// Since the point before.
    Delta,
    /// Since the start time of the stream.
    Cumulative,
}

impl Temporality {
    pub(crate) const fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Delta,
            2 => Self::Cumulative,
            _ => Self::Unspecified,
        }
    }
}

/// The value of a number point or an exemplar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
}

impl Number {
    /// Returns the value as a double; integers beyond 2^53 are rounded.
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Double(value) => value,
        }
    }
}

/// Bit 0 of a point's flags: there is no value, the stream has ended or skipped a report.
pub const NO_RECORDED_VALUE: u32 = 1;

/// What points of all kinds have.
#[derive(Debug, Clone, Copy)]
pub struct PointHead<'a> {
    /// Attributes of the point.
    pub attributes: Attributes<'a>,
    /// Start of what the value covers, Unix time in nanoseconds; 0 is unset.
    pub start_ns: u64,
    /// Time of the value, Unix time in nanoseconds.
    pub time_ns: u64,
    /// Flags; see [`NO_RECORDED_VALUE`].
    pub flags: u32,
}

macro_rules! heads {
    ($($point:ident)*) => {$(
        impl<'a> $point<'a> {
            /// Returns what points of all kinds have.
            pub const fn head(&self) -> PointHead<'a> {
                PointHead {
                    attributes: self.attributes,
                    start_ns: self.start_ns,
                    time_ns: self.time_ns,
                    flags: self.flags,
                }
            }
        }
    )*};
}

heads! { NumberPoint HistogramPoint ExponentialHistogramPoint SummaryPoint }

impl PointHead<'_> {
    /// Returns true if the point has a value: see [`NO_RECORDED_VALUE`].
    pub const fn is_recorded(&self) -> bool {
        self.flags & NO_RECORDED_VALUE == 0
    }
}

/// A point of a gauge or sum.
#[derive(Debug, Clone, Copy)]
pub struct NumberPoint<'a> {
    /// Attributes of the point.
    pub attributes: Attributes<'a>,
    /// Start of what the value covers, Unix time in nanoseconds; 0 is unset.
    pub start_ns: u64,
    /// Time of the value, Unix time in nanoseconds.
    pub time_ns: u64,
    /// The value, if the point has one.
    pub value: Option<Number>,
    /// Flags; see [`NO_RECORDED_VALUE`].
    pub flags: u32,
    /// Exemplars of the point.
    pub exemplars: Exemplars<'a>,
}

/// A point of an explicit-bucket histogram.
#[derive(Debug, Clone, Copy)]
pub struct HistogramPoint<'a> {
    /// Attributes of the point.
    pub attributes: Attributes<'a>,
    /// Start of what the value covers, Unix time in nanoseconds; 0 is unset.
    pub start_ns: u64,
    /// Time of the value, Unix time in nanoseconds.
    pub time_ns: u64,
    /// Number of measurements.
    pub count: u64,
    /// Sum of the measurements, if recorded.
    pub sum: Option<f64>,
    /// Measurements per bucket; one more than `bounds`, or empty.
    pub bucket_counts: Fixed64s<'a, u64>,
    /// Upper bounds of the buckets but the last, ascending.
    pub bounds: Fixed64s<'a, f64>,
    /// Flags; see [`NO_RECORDED_VALUE`].
    pub flags: u32,
    /// Smallest measurement, if recorded.
    pub min: Option<f64>,
    /// Largest measurement, if recorded.
    pub max: Option<f64>,
    /// Exemplars of the point.
    pub exemplars: Exemplars<'a>,
}

/// A point of an exponential histogram.
#[derive(Debug, Clone, Copy)]
pub struct ExponentialHistogramPoint<'a> {
    /// Attributes of the point.
    pub attributes: Attributes<'a>,
    /// Start of what the value covers, Unix time in nanoseconds; 0 is unset.
    pub start_ns: u64,
    /// Time of the value, Unix time in nanoseconds.
    pub time_ns: u64,
    /// Number of measurements.
    pub count: u64,
    /// Sum of the measurements, if recorded.
    pub sum: Option<f64>,
    /// Resolution: the base is 2^(2^-scale).
    pub scale: i32,
    /// Measurements within the zero threshold.
    pub zero_count: u64,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Buckets of positive measurements.
    pub positive: Buckets<'a>,
    /// Buckets of negative measurements.
    pub negative: Buckets<'a>,
    /// Flags; see [`NO_RECORDED_VALUE`].
    pub flags: u32,
    /// Smallest measurement, if recorded.
    pub min: Option<f64>,
    /// Largest measurement, if recorded.
    pub max: Option<f64>,
    /// Exemplars of the point.
    pub exemplars: Exemplars<'a>,
}

/// One side of an exponential histogram.
#[derive(Debug, Clone, Copy, Default)]
pub struct Buckets<'a> {
    /// Index of the first bucket: bucket `i` covers `(base^(offset+i), base^(offset+i+1)]`.
    pub offset: i32,
    /// Measurements per bucket.
    pub counts: &'a [u64],
}

/// A point of a summary.
#[derive(Debug, Clone, Copy)]
pub struct SummaryPoint<'a> {
    /// Attributes of the point.
    pub attributes: Attributes<'a>,
    /// Start of what the value covers, Unix time in nanoseconds; 0 is unset.
    pub start_ns: u64,
    /// Time of the value, Unix time in nanoseconds.
    pub time_ns: u64,
    /// Number of measurements.
    pub count: u64,
    /// Sum of the measurements.
    pub sum: f64,
    /// Quantiles as (quantile, value).
    pub quantiles: &'a [(f64, f64)],
    /// Flags; see [`NO_RECORDED_VALUE`].
    pub flags: u32,
}

/// One exemplar.
#[derive(Debug, Clone, Copy)]
pub struct Exemplar<'a> {
    /// Attributes that aggregation took away from the point.
    pub filtered_attributes: Attributes<'a>,
    /// Time of the measurement, Unix time in nanoseconds; 0 is unset.
    pub time_ns: u64,
    /// The measurement.
    pub value: Option<Number>,
    /// Span that was active, 8 bytes, or empty.
    pub span_id: &'a [u8],
    /// Trace that was active, 16 bytes, or empty.
    pub trace_id: &'a [u8],
}

/// The exemplars of a point.
#[derive(Debug, Clone, Copy)]
pub struct Exemplars<'a>(ExemplarsForm<'a>);

#[derive(Debug, Clone, Copy)]
enum ExemplarsForm<'a> {
    Wire(&'a [&'a [u8]]),
    Decoded(&'a [weir_proto::otlp::metrics::v1::Exemplar]),
}

impl Exemplars<'_> {
    /// Returns the number of exemplars.
    pub fn len(&self) -> usize {
        match self.0 {
            ExemplarsForm::Wire(slices) => slices.len(),
            ExemplarsForm::Decoded(messages) => messages.len(),
        }
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shows each exemplar in order.
    pub fn for_each(&self, mut show: impl FnMut(&Exemplar<'_>)) {
        match self.0 {
            ExemplarsForm::Wire(slices) => {
                let mut attributes = Vec::new();
                for slice in slices {
                    show(&wire::exemplar(slice, &mut attributes));
                }
            }
            ExemplarsForm::Decoded(messages) => messages
                .iter()
                .for_each(|message| show(&decoded::exemplar(message))),
        }
    }
}

/// A list of 64-bit numbers, as little-endian bytes or as a slice.
#[derive(Debug, Clone, Copy)]
pub struct Fixed64s<'a, T>(Fixed64sForm<'a, T>);

#[derive(Debug, Clone, Copy)]
enum Fixed64sForm<'a, T> {
    /// Packed field content; the length is a multiple of 8.
    Wire(&'a [u8]),
    Decoded(&'a [T]),
}

/// A number that is 8 bytes on the wire.
pub trait Fixed64: Copy {
    /// Reads the little-endian bytes.
    fn from_le_bytes(bytes: [u8; 8]) -> Self;
}

impl Fixed64 for u64 {
    fn from_le_bytes(bytes: [u8; 8]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

impl Fixed64 for f64 {
    fn from_le_bytes(bytes: [u8; 8]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

impl<'a, T: Fixed64> Fixed64s<'a, T> {
    /// Shows a slice.
    pub const fn from_slice(numbers: &'a [T]) -> Self {
        Self(Fixed64sForm::Decoded(numbers))
    }

    /// Returns how many there are.
    pub const fn len(&self) -> usize {
        match self.0 {
            Fixed64sForm::Wire(bytes) => bytes.len() / 8,
            Fixed64sForm::Decoded(numbers) => numbers.len(),
        }
    }

    /// Returns true if there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the packed bytes if the list stands on the wire: equal bytes are equal lists.
    pub const fn as_wire(&self) -> Option<&'a [u8]> {
        match self.0 {
            Fixed64sForm::Wire(bytes) => Some(bytes),
            Fixed64sForm::Decoded(_) => None,
        }
    }

    /// Returns the numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + 'a {
        let (bytes, numbers): (&[u8], &[T]) = match self.0 {
            Fixed64sForm::Wire(bytes) => (bytes, &[]),
            Fixed64sForm::Decoded(numbers) => (&[], numbers),
        };
        let (chunks, _) = bytes.as_chunks::<8>();
        chunks
            .iter()
            .map(|chunk| T::from_le_bytes(*chunk))
            .chain(numbers.iter().copied())
    }
}

#[cfg(test)]
mod tests;
