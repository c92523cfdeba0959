//! Reading metrics off checked wire bytes.
//!
//! Fields of a message may stand in any order (`is_monotonic` comes after the points, `resource` may come after its scopes), so each
//! message is hopped over once for its own fields before its children are shown.

use super::{
    Attributes, Buckets, Exemplar, Exemplars, ExemplarsForm, ExponentialHistogramPoint, Fixed64s,
    Fixed64sForm, HistogramPoint, Metric, MetricKind, MetricsVisitor, Number, NumberPoint, Resource, Scope,
    SummaryPoint, Temporality, Text, Visit,
};
use crate::wire::cursor::{Cursor, Field, Fields, PlainNumber, besides, children, fields};
use crate::wire::{WireChunk, warm};

/// Shows the metrics of checked requests.
pub(crate) fn visit_wire<V: MetricsVisitor + ?Sized>(chunks: &[WireChunk], visitor: &mut V) {
    let mut attributes = Vec::new();
    let mut scratch = Scratch::default();
    for message in chunks.iter().flat_map(|chunk| children(chunk.bytes(), 1)) {
        // Once for those who hop from metric to metric, and below once more for those who read what is between.
        warm(message);
        visitor.resource(&resource(message, &mut attributes));
        for message in children(message, 2) {
            visitor.scope(&scope(message, &mut attributes));
            for metric in children(message, 2) {
                warm(metric);
                visit_metric(metric, &mut attributes, &mut scratch, visitor);
            }
        }
    }
}

/// Counts the metrics of one checked request.
pub(crate) fn count_metrics(chunk: &WireChunk) -> usize {
    children(chunk.bytes(), 1)
        .flat_map(|resource| children(resource, 2))
        .map(|scope| children(scope, 2).count())
        .sum()
}

/// Room for the parts of a point, span or log record that are not one slice, kept from one to the next.
#[derive(Default)]
pub(crate) struct Scratch<'a> {
    pub(super) attributes: List<'a>,
    exemplars: Vec<&'a [u8]>,
    quantiles: Vec<(f64, f64)>,
    positive: Vec<u64>,
    negative: Vec<u64>,
    counts: Vec<u64>,
    bounds: Vec<f64>,
}

/// The attributes of a point as they are met: nearly always one after the other.
#[derive(Default)]
pub(super) struct List<'a> {
    slices: Vec<&'a [u8]>,
    /// The point from the first attribute on.
    from: &'a [u8],
    /// Length of what follows the last attribute.
    rest: usize,
    scattered: bool,
}

impl<'a> List<'a> {
    pub(super) fn clear(&mut self) {
        self.slices.clear();
        (self.from, self.rest, self.scattered) = (&[], 0, false);
    }

    /// Takes an attribute that `walk` has just met in field `N`, and those that follow. `at` is what `walk` had before it.
    #[inline]
    pub(super) fn take<const N: u8>(&mut self, attribute: &'a [u8], at: &'a [u8], walk: &mut Fields<'a>) {
        if self.slices.is_empty() {
            self.from = at;
        } else if self.rest != at.len() {
            self.scattered = true;
        }
        self.slices.push(attribute);
        walk.run::<N>(&mut self.slices);
        self.rest = walk.rest().len();
    }

    pub(super) fn view(&self) -> Attributes<'_> {
        let raw = (!self.scattered).then(|| &self.from[..self.from.len() - self.rest]);
        Attributes::wire_list(&self.slices, raw)
    }
}

/// Reads a resource off its `Resource*` message; `attributes` is room for its attributes.
pub(crate) fn resource<'p, 'a: 'p>(message: &'a [u8], attributes: &'p mut Vec<&'a [u8]>) -> Resource<'p> {
    attributes.clear();
    let mut schema_url = Text::default();
    for field in besides(message, 2) {
        match field {
            (1, Field::Bytes(resource)) => attributes.extend(children(resource, 1)),
            (3, Field::Bytes(bytes)) => schema_url = Text(bytes),
            _ => {}
        }
    }
    Resource {
        attributes: Attributes::wire(attributes),
        schema_url,
    }
}

/// Reads a scope off its `Scope*` message; `attributes` is room for its attributes.
pub(crate) fn scope<'p, 'a: 'p>(message: &'a [u8], attributes: &'p mut Vec<&'a [u8]>) -> Scope<'p> {
    attributes.clear();
    let (mut name, mut version, mut schema_url) = (Text::default(), Text::default(), Text::default());
    for field in besides(message, 2) {
        match field {
            (1, Field::Bytes(scope)) => {
                for field in fields(scope) {
                    match field {
                        (1, Field::Bytes(bytes)) => name = Text(bytes),
                        (2, Field::Bytes(bytes)) => version = Text(bytes),
                        (3, Field::Bytes(bytes)) => attributes.push(bytes),
                        _ => {}
                    }
                }
            }
            (3, Field::Bytes(bytes)) => schema_url = Text(bytes),
            _ => {}
        }
    }
    Scope {
        name,
        version,
        schema_url,
        attributes: Attributes::wire(attributes),
    }
}

/// The content of a metric's data message.
type Data<'a> = &'a [u8];

/// Reads a metric without its points; `attributes` is room for its metadata.
pub(crate) fn metric<'p, 'a: 'p>(
    message: &'a [u8],
    attributes: &'p mut Vec<&'a [u8]>,
) -> (Metric<'p>, Option<Data<'a>>) {
    attributes.clear();
    let mut walk = fields(message);
    // As nearly every encoder writes them; the others take the long way.
    let [mut name, mut description, mut unit] =
        [1, 2, 3].map(|number| Text(walk.hop(number).unwrap_or_default()));
    let mut head = &message[..message.len() - walk.rest().len()];
    let mut data: Option<(u32, &[u8])> = [7, 5, 9, 10]
        .into_iter()
        .find_map(|number| Some((number.into(), walk.hop(number)?)));
    for field in walk {
        match field {
            (number @ (5 | 7 | 9 | 10 | 11), Field::Bytes(bytes)) => data = Some((number, bytes)),
            (1, Field::Bytes(bytes)) => (name, head) = (Text(bytes), &[]),
            (2, Field::Bytes(bytes)) => (description, head) = (Text(bytes), &[]),
            (3, Field::Bytes(bytes)) => (unit, head) = (Text(bytes), &[]),
            (12, Field::Bytes(bytes)) => {
                attributes.push(bytes);
                head = &[];
            }
            _ => {}
        }
    }
    let (kind, points) = data.map_or((MetricKind::None, 0), |(number, data)| {
        kind_and_points(number, data)
    });
    let view = Metric {
        name,
        description,
        unit,
        kind,
        points,
        metadata: Attributes::wire(attributes),
        head,
    };
    (view, data.map(|(_, data)| data))
}

fn visit_metric<'a, V: MetricsVisitor + ?Sized>(
    message: &'a [u8],
    attributes: &mut Vec<&'a [u8]>,
    scratch: &mut Scratch<'a>,
    visitor: &mut V,
) {
    let (view, data) = metric(message, attributes);
    let (kind, points) = (view.kind, view.points);
    if visitor.metric(&view) == Visit::Skip {
        return;
    }
    // What comes after the last is not walked again.
    for point in data.into_iter().flat_map(|data| children(data, 1)).take(points) {
        match kind {
            MetricKind::Gauge | MetricKind::Sum { .. } => visitor.number(&number_point(point, scratch)),
            MetricKind::Histogram { .. } => visitor.histogram(&histogram_point(point, scratch)),
            MetricKind::ExponentialHistogram { .. } => {
                visitor.exponential_histogram(&exponential_histogram_point(point, scratch));
            }
            MetricKind::Summary => visitor.summary(&summary_point(point, scratch)),
            MetricKind::None => {}
        }
    }
}

/// Hops over a metric's data for what comes after the points.
fn kind_and_points(number: u32, data: &[u8]) -> (MetricKind, usize) {
    let mut points = 0;
    let mut walk = fields(data);
    while walk.hop(1).is_some() {
        points += 1;
    }
    // As nearly every encoder writes them; the others take the long way.
    let [temporality, monotonic] = [2, 3].map(|number| walk.hop_number(number).unwrap_or_default());
    let mut temporality = Temporality::from_number(temporality.into());
    let mut monotonic = monotonic != 0;
    for field in walk {
        match field {
            (1, Field::Bytes(_)) => points += 1,
            (2, Field::Varint(value)) => temporality = Temporality::from_number(value as i32),
            (3, Field::Varint(value)) => monotonic = value != 0,
            _ => {}
        }
    }
    let kind = match number {
        5 => MetricKind::Gauge,
        7 => MetricKind::Sum {
            temporality,
            monotonic,
        },
        9 => MetricKind::Histogram { temporality },
        10 => MetricKind::ExponentialHistogram { temporality },
        _ => MetricKind::Summary,
    };
    (kind, points)
}

#[inline]
pub(crate) fn number_point<'p, 'a: 'p>(message: &'a [u8], scratch: &'p mut Scratch<'a>) -> NumberPoint<'p> {
    scratch.attributes.clear();
    scratch.exemplars.clear();
    let (mut start_ns, mut time_ns, mut value, mut flags) = (0, 0, None, 0);
    let mut at = message;
    if let Some(number) = PlainNumber::of(message) {
        (start_ns, time_ns) = (number.start_ns, number.time_ns);
        value = Some(match number.is_int {
            true => Number::Int(number.bits as i64),
            false => Number::Double(f64::from_bits(number.bits)),
        });
        at = number.rest;
    }
    let mut walk = fields(at);
    while let Some(field) = walk.next() {
        match field {
            (7, Field::Bytes(bytes)) => scratch.attributes.take::<7>(bytes, at, &mut walk),
            (2, Field::Fixed64(bits)) => start_ns = bits,
            (3, Field::Fixed64(bits)) => time_ns = bits,
            (4, Field::Fixed64(bits)) => value = Some(Number::Double(f64::from_bits(bits))),
            (6, Field::Fixed64(bits)) => value = Some(Number::Int(bits as i64)),
            (5, Field::Bytes(bytes)) => scratch.exemplars.push(bytes),
            (8, Field::Varint(number)) => flags = number as u32,
            _ => {}
        }
        at = walk.rest();
    }
    NumberPoint {
        attributes: scratch.attributes.view(),
        start_ns,
        time_ns,
        value,
        flags,
        exemplars: Exemplars(ExemplarsForm::Wire(&scratch.exemplars)),
    }
}

pub(crate) fn histogram_point<'p, 'a: 'p>(
    message: &'a [u8],
    scratch: &'p mut Scratch<'a>,
) -> HistogramPoint<'p> {
    scratch.attributes.clear();
    let mut walk = fields(message);
    let mut at = message;
    scratch.exemplars.clear();
    let (mut start_ns, mut time_ns, mut count, mut flags) = (0, 0, 0, 0);
    let (mut sum, mut min, mut max) = (None, None, None);
    let (mut counts, mut bounds): (Runs<'_>, Runs<'_>) = (Runs::default(), Runs::default());
    while let Some(field) = walk.next() {
        match field {
            (9, Field::Bytes(bytes)) => scratch.attributes.take::<9>(bytes, at, &mut walk),
            (2, Field::Fixed64(bits)) => start_ns = bits,
            (3, Field::Fixed64(bits)) => time_ns = bits,
            (4, Field::Fixed64(bits)) => count = bits,
            (5, Field::Fixed64(bits)) => sum = Some(f64::from_bits(bits)),
            (6, field) => counts.add(field),
            (7, field) => bounds.add(field),
            (8, Field::Bytes(bytes)) => scratch.exemplars.push(bytes),
            (10, Field::Varint(number)) => flags = number as u32,
            (11, Field::Fixed64(bits)) => min = Some(f64::from_bits(bits)),
            (12, Field::Fixed64(bits)) => max = Some(f64::from_bits(bits)),
            _ => {}
        }
        at = walk.rest();
    }
    if counts.scattered {
        scratch.counts.clear();
        gather(message, 6, |bits| scratch.counts.push(bits));
    }
    if bounds.scattered {
        scratch.bounds.clear();
        gather(message, 7, |bits| scratch.bounds.push(f64::from_bits(bits)));
    }
    HistogramPoint {
        attributes: scratch.attributes.view(),
        start_ns,
        time_ns,
        count,
        sum,
        bucket_counts: counts.view(&scratch.counts),
        bounds: bounds.view(&scratch.bounds),
        flags,
        min,
        max,
        exemplars: Exemplars(ExemplarsForm::Wire(&scratch.exemplars)),
    }
}

/// A repeated 64-bit field as it is met: nearly always one packed run, but several runs and single values are legal.
#[derive(Default)]
struct Runs<'a> {
    packed: &'a [u8],
    met: bool,
    scattered: bool,
}

impl<'a> Runs<'a> {
    fn add(&mut self, field: Field<'a>) {
        match field {
            Field::Bytes(bytes) if !self.met => self.packed = bytes,
            _ => self.scattered = true,
        }
        self.met = true;
    }

    fn view<'p, T>(&self, gathered: &'p [T]) -> Fixed64s<'p, T>
    where
        'a: 'p,
    {
        Fixed64s(if self.scattered {
            Fixed64sForm::Decoded(gathered)
        } else {
            Fixed64sForm::Wire(self.packed)
        })
    }
}

/// Shows all values of a repeated 64-bit field, packed or not.
fn gather(message: &[u8], number: u32, mut show: impl FnMut(u64)) {
    for field in fields(message) {
        match field {
            (n, Field::Fixed64(bits)) if n == number => show(bits),
            (n, Field::Bytes(bytes)) if n == number => {
                bytes
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .for_each(|chunk| show(u64::from_le_bytes(*chunk)));
            }
            _ => {}
        }
    }
}

pub(crate) fn exponential_histogram_point<'p, 'a: 'p>(
    message: &'a [u8],
    scratch: &'p mut Scratch<'a>,
) -> ExponentialHistogramPoint<'p> {
    scratch.attributes.clear();
    let mut walk = fields(message);
    let mut at = message;
    scratch.exemplars.clear();
    scratch.positive.clear();
    scratch.negative.clear();
    let (mut start_ns, mut time_ns, mut count, mut flags, mut scale) = (0, 0, 0, 0, 0);
    let (mut zero_count, mut zero_threshold) = (0, 0.0);
    let (mut positive_offset, mut negative_offset) = (0, 0);
    let (mut sum, mut min, mut max) = (None, None, None);
    while let Some(field) = walk.next() {
        match field {
            (1, Field::Bytes(bytes)) => scratch.attributes.take::<1>(bytes, at, &mut walk),
            (2, Field::Fixed64(bits)) => start_ns = bits,
            (3, Field::Fixed64(bits)) => time_ns = bits,
            (4, Field::Fixed64(bits)) => count = bits,
            (5, Field::Fixed64(bits)) => sum = Some(f64::from_bits(bits)),
            (6, Field::Varint(number)) => scale = zigzag(number),
            (7, Field::Fixed64(bits)) => zero_count = bits,
            (8, Field::Bytes(bytes)) => read_buckets(bytes, &mut positive_offset, &mut scratch.positive),
            (9, Field::Bytes(bytes)) => read_buckets(bytes, &mut negative_offset, &mut scratch.negative),
            (10, Field::Varint(number)) => flags = number as u32,
            (11, Field::Bytes(bytes)) => scratch.exemplars.push(bytes),
            (12, Field::Fixed64(bits)) => min = Some(f64::from_bits(bits)),
            (13, Field::Fixed64(bits)) => max = Some(f64::from_bits(bits)),
            (14, Field::Fixed64(bits)) => zero_threshold = f64::from_bits(bits),
            _ => {}
        }
        at = walk.rest();
    }
    ExponentialHistogramPoint {
        attributes: scratch.attributes.view(),
        start_ns,
        time_ns,
        count,
        sum,
        scale,
        zero_count,
        zero_threshold,
        positive: Buckets {
            offset: positive_offset,
            counts: &scratch.positive,
        },
        negative: Buckets {
            offset: negative_offset,
            counts: &scratch.negative,
        },
        flags,
        min,
        max,
        exemplars: Exemplars(ExemplarsForm::Wire(&scratch.exemplars)),
    }
}

fn read_buckets(message: &[u8], offset: &mut i32, counts: &mut Vec<u64>) {
    for field in fields(message) {
        match field {
            (1, Field::Varint(number)) => *offset = zigzag(number),
            (2, Field::Varint(count)) => counts.push(count),
            (2, Field::Bytes(packed)) => {
                let mut cursor = Cursor::new(packed);
                while let Ok(count) = cursor.varint() {
                    counts.push(count);
                }
            }
            _ => {}
        }
    }
}

/// Decodes a sint32.
fn zigzag(number: u64) -> i32 {
    let number = number as u32;
    (number >> 1) as i32 ^ -((number & 1) as i32)
}

pub(crate) fn summary_point<'p, 'a: 'p>(message: &'a [u8], scratch: &'p mut Scratch<'a>) -> SummaryPoint<'p> {
    scratch.attributes.clear();
    let mut walk = fields(message);
    let mut at = message;
    scratch.quantiles.clear();
    let (mut start_ns, mut time_ns, mut count, mut sum, mut flags) = (0, 0, 0, 0.0, 0);
    while let Some(field) = walk.next() {
        match field {
            (7, Field::Bytes(bytes)) => scratch.attributes.take::<7>(bytes, at, &mut walk),
            (2, Field::Fixed64(bits)) => start_ns = bits,
            (3, Field::Fixed64(bits)) => time_ns = bits,
            (4, Field::Fixed64(bits)) => count = bits,
            (5, Field::Fixed64(bits)) => sum = f64::from_bits(bits),
            (6, Field::Bytes(bytes)) => scratch.quantiles.push(quantile(bytes)),
            (8, Field::Varint(number)) => flags = number as u32,
            _ => {}
        }
        at = walk.rest();
    }
    SummaryPoint {
        attributes: scratch.attributes.view(),
        start_ns,
        time_ns,
        count,
        sum,
        quantiles: &scratch.quantiles,
        flags,
    }
}

fn quantile(message: &[u8]) -> (f64, f64) {
    fields(message).fold((0.0, 0.0), |pair, field| match field {
        (1, Field::Fixed64(bits)) => (f64::from_bits(bits), pair.1),
        (2, Field::Fixed64(bits)) => (pair.0, f64::from_bits(bits)),
        _ => pair,
    })
}

/// Reads one exemplar; `attributes` is room for its attributes.
pub(super) fn exemplar<'p, 'a: 'p>(message: &'a [u8], attributes: &'p mut Vec<&'a [u8]>) -> Exemplar<'p> {
    attributes.clear();
    let (mut time_ns, mut value) = (0, None);
    let (mut span_id, mut trace_id): (&[u8], &[u8]) = (&[], &[]);
    for field in fields(message) {
        match field {
            (7, Field::Bytes(bytes)) => attributes.push(bytes),
            (2, Field::Fixed64(bits)) => time_ns = bits,
            (3, Field::Fixed64(bits)) => value = Some(Number::Double(f64::from_bits(bits))),
            (6, Field::Fixed64(bits)) => value = Some(Number::Int(bits as i64)),
            (4, Field::Bytes(bytes)) => span_id = bytes,
            (5, Field::Bytes(bytes)) => trace_id = bytes,
            _ => {}
        }
    }
    Exemplar {
        filtered_attributes: Attributes::wire(attributes),
        time_ns,
        value,
        span_id,
        trace_id,
    }
}
