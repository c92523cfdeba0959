//! A hop over protobuf structure: field numbers, wire types and places, no messages.
//!
//! Serves two needs: finding the fixed-width fields that the generator patches, and counting what reaches a sink at
//! little cost. Knows nothing of UTF-8 or of what a field means, save in the counting functions at the end.

use std::ops::AddAssign;

use serde::Serialize;

/// Why bytes are not a protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The message ends inside a field.
    #[error("message ends inside a field")]
    Truncated,
    /// A varint has more than ten bytes.
    #[error("varint has more than ten bytes")]
    Varint,
    /// A tag has field number zero, a group, or a wire type that does not exist.
    #[error("field tag is invalid")]
    Tag,
}

/// The value of one field, as the wire type alone tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1, little endian.
    Fixed64(u64),
    /// Wire type 2: a string, bytes, a message or a packed list.
    Bytes(&'a [u8]),
    /// Wire type 5, little endian.
    Fixed32(u32),
}

/// One field and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Field number.
    pub number: u32,
    /// Value.
    pub value: Value<'a>,
    /// Place of the value's first byte (after tag and length), counted from the origin of the [`Fields`].
    pub offset: usize,
}

impl<'a> Field<'a> {
    /// Returns the bytes of a length-delimited field with this number.
    pub fn bytes(&self, number: u32) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) if self.number == number => Some(bytes),
            _ => None,
        }
    }
}

/// The fields of one message, in wire order.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    position: usize,
    origin: usize,
}

impl<'a> Fields<'a> {
    /// Walks a message whose first byte has place 0.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// Walks a message whose first byte has place `origin`.
    pub fn at(bytes: &'a [u8], origin: usize) -> Self {
        Self {
            bytes,
            position: 0,
            origin,
        }
    }

    fn field(&mut self) -> Result<Field<'a>, WireError> {
        let tag = varint(self.bytes, &mut self.position)?;
        let number = u32::try_from(tag >> 3).map_err(|_| WireError::Tag)?;
        if number == 0 {
            return Err(WireError::Tag);
        }
        let (value, length) = match tag & 7 {
            0 => {
                let start = self.position;
                let value = varint(self.bytes, &mut self.position)?;
                let length = self.position - start;
                self.position = start;
                (Value::Varint(value), length)
            }
            1 => (Value::Fixed64(u64::from_le_bytes(self.array()?)), 8),
            2 => {
                let length = varint(self.bytes, &mut self.position)?;
                let length = usize::try_from(length).map_err(|_| WireError::Truncated)?;
                let end = self.position.checked_add(length).ok_or(WireError::Truncated)?;
                let bytes = self.bytes.get(self.position..end).ok_or(WireError::Truncated)?;
                (Value::Bytes(bytes), length)
            }
            5 => (Value::Fixed32(u32::from_le_bytes(self.array()?)), 4),
            _ => return Err(WireError::Tag),
        };
        let offset = self.origin + self.position;
        self.position += length;
        Ok(Field {
            number,
            value,
            offset,
        })
    }

    fn array<const N: usize>(&self) -> Result<[u8; N], WireError> {
        self.bytes
            .get(self.position..)
            .and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or(WireError::Truncated)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position >= self.bytes.len() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.position = self.bytes.len();
        }
        Some(field)
    }
}

/// Reads the varint at `position` and moves past it.
///
/// # Errors
/// [`WireError::Truncated`] at the end of the bytes, [`WireError::Varint`] beyond ten bytes.
pub fn varint(bytes: &[u8], position: &mut usize) -> Result<u64, WireError> {
    let mut value = 0;
    for shift in 0..10 {
        let byte = *bytes.get(*position).ok_or(WireError::Truncated)?;
        *position += 1;
        value |= u64::from(byte & 0x7f) << (7 * shift);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireError::Varint)
}

/// Kind of an OTLP data point.
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

/// Data points by kind.
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
}

impl Points {
    /// Returns the points of all kinds together.
    pub fn total(&self) -> u64 {
        self.sum + self.gauge + self.histogram + self.exponential + self.summary
    }

    /// Adds `count` points of a kind.
    pub fn add(&mut self, kind: PointKind, count: u64) {
        *match kind {
            PointKind::Gauge => &mut self.gauge,
            PointKind::Sum => &mut self.sum,
            PointKind::Histogram => &mut self.histogram,
            PointKind::Exponential => &mut self.exponential,
            PointKind::Summary => &mut self.summary,
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
    }
}

/// Calls `visit` with kind, place and bytes of each data point of an `ExportMetricsServiceRequest`.
///
/// # Errors
/// The first [`WireError`] met; points before it have been visited.
pub fn each_point<'a>(
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

/// Counts the data points of an `ExportMetricsServiceRequest`.
///
/// # Errors
/// The first [`WireError`] met.
pub fn count_points(request: &[u8]) -> Result<Points, WireError> {
    let mut points = Points::default();
    each_point(request, |kind, _, _| {
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
