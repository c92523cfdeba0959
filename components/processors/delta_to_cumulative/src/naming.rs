//! Who the streams of a batch are, in words and in bytes.
//!
//! Totals are kept without names. What wants them reads them from a batch that has a point of the stream, once: [`show`] goes through
//! the batch again, and stops at the points that were asked for.

use weir_component::Batch;
use weir_pdata::view::{
    Attributes, ExponentialHistogramPoint, HistogramPoint, Metric, MetricKind, MetricsVisitor, NumberPoint,
    Resource, Scope, SummaryPoint, Visit, push_text,
};

use crate::reading::is_delta;
use crate::shelf::{encode, lasting};
use crate::wire::{put_bytes, put_text};

/// Which piece of a name is what: these four, then one for each attribute, the content of a `KeyValue`.
pub(crate) mod piece {
    /// The context, as the shelf writes it.
    pub(crate) const CONTEXT: usize = 0;
    /// `ResourceMetrics` without its scopes.
    pub(crate) const RESOURCE: usize = 1;
    /// `ScopeMetrics` without its metrics.
    pub(crate) const SCOPE: usize = 2;
    /// Number of the field of a `Metric` that has its data, whether a sum is monotonic, and the `Metric` without its data.
    pub(crate) const METRIC: usize = 3;
    /// Number of pieces before those of the attributes.
    pub(crate) const ATTRIBUTES: usize = 4;
}

/// A stream, as a batch shows it.
pub(crate) struct Shown<'a> {
    head: &'a [Vec<u8>; piece::ATTRIBUTES],
    resource: &'a str,
    metric: &'a str,
    attributes: Attributes<'a>,
}

impl Shown<'_> {
    /// Returns the pieces of its name.
    pub(crate) fn pieces(&self) -> Vec<Vec<u8>> {
        let mut scratch = Vec::new();
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|attribute| attribute.raw(&mut scratch).to_vec());
        self.head.iter().cloned().chain(attributes).collect()
    }

    /// Returns what people call it.
    pub(crate) fn text(&self) -> String {
        format!("{}{} of {}", self.metric, pairs(&self.attributes), self.resource)
    }
}

/// Shows the streams of the deltas with these numbers, which ascend.
pub(crate) fn show(batch: &Batch, wanted: &[u32], shown: impl FnMut(u32, &Shown<'_>)) {
    let mut context = encode(&empty(batch));
    context.shrink_to_fit();
    let mut reader = Reader {
        wanted,
        shown,
        ordinal: 0,
        head: [context, Vec::new(), Vec::new(), Vec::new()],
        resource: String::new(),
        metric: String::new(),
    };
    batch.visit_metrics(&mut reader);
}

/// Returns a batch of nothing with what lasts of the context of another.
fn empty(batch: &Batch) -> Batch {
    let empty =
        Batch::from_wire(batch.signal(), Default::default()).expect("a request without fields is one");
    empty.with_context(lasting(batch.context()))
}

struct Reader<'w, F> {
    wanted: &'w [u32],
    shown: F,
    /// Number of the next delta.
    ordinal: u32,
    head: [Vec<u8>; piece::ATTRIBUTES],
    resource: String,
    metric: String,
}

impl<F: FnMut(u32, &Shown<'_>)> Reader<'_, F> {
    fn point(&mut self, attributes: Attributes<'_>) {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        if self.wanted.first() != Some(&ordinal) {
            return;
        }
        self.wanted = &self.wanted[1..];
        let shown = Shown {
            head: &self.head,
            resource: &self.resource,
            metric: &self.metric,
            attributes,
        };
        (self.shown)(ordinal, &shown);
    }
}

impl<F: FnMut(u32, &Shown<'_>)> MetricsVisitor for Reader<'_, F> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.resource = pairs(&resource.attributes);
        let mut attributes = Vec::new();
        put_attributes(&mut attributes, 1, &resource.attributes);
        let out = &mut self.head[piece::RESOURCE];
        out.clear();
        put_bytes(out, 1, &attributes);
        put_text(out, 3, resource.schema_url);
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        let mut inner = Vec::new();
        put_text(&mut inner, 1, scope.name);
        put_text(&mut inner, 2, scope.version);
        put_attributes(&mut inner, 3, &scope.attributes);
        let out = &mut self.head[piece::SCOPE];
        out.clear();
        put_bytes(out, 1, &inner);
        put_text(out, 3, scope.schema_url);
    }

    fn metric(&mut self, metric: &Metric<'_>) -> Visit {
        let (field, monotonic) = match metric.kind {
            _ if !is_delta(metric.kind) => return Visit::Skip,
            MetricKind::Sum { monotonic, .. } => (7, monotonic),
            MetricKind::Histogram { .. } => (9, false),
            _ => (10, false),
        };
        self.metric = String::from_utf8_lossy(metric.name.as_bytes()).into_owned();
        let out = &mut self.head[piece::METRIC];
        out.clear();
        out.extend([field, u8::from(monotonic)]);
        put_text(out, 1, metric.name);
        put_text(out, 2, metric.description);
        put_text(out, 3, metric.unit);
        put_attributes(out, 12, &metric.metadata);
        Visit::Points
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        self.point(point.attributes);
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>) {
        self.point(point.attributes);
    }

    fn exponential_histogram(&mut self, point: &ExponentialHistogramPoint<'_>) {
        self.point(point.attributes);
    }

    fn summary(&mut self, _: &SummaryPoint<'_>) {}
}

fn put_attributes(out: &mut Vec<u8>, field: u8, attributes: &Attributes<'_>) {
    let mut scratch = Vec::new();
    for attribute in attributes.iter() {
        put_bytes(out, field, attribute.raw(&mut scratch));
    }
}

/// Writes attributes for people.
fn pairs(attributes: &Attributes<'_>) -> String {
    let mut out = String::from("{");
    for attribute in attributes.iter() {
        if out.len() > 1 {
            out.push_str(", ");
        }
        out.push_str(&String::from_utf8_lossy(attribute.key().as_bytes()));
        out.push('=');
        // What is no text has been told of where it was refused.
        let _ = push_text(attribute.value(), &mut out);
    }
    out.push('}');
    out
}
