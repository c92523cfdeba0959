//! What the data model costs per request of 1000 data points: the check at the door, a full reading, merging, splitting, rewriting,
//! regrouping.
//!
//! `cargo bench -p weir-pdata`; divide by 1000 for the cost per point.

use std::hint::black_box;
use std::num::NonZeroUsize;

use criterion::{Criterion, criterion_group, criterion_main};
use weir_loadgen::workload::{Payload, Spec, lanes};
use weir_pdata::rewrite::{Answer, Editor, NumberEdit, PointEdit, ResourceEdit};
use weir_pdata::view::{
    Attributes, ExponentialHistogramPoint, HistogramPoint, Metric, MetricsVisitor, Number, NumberPoint,
    Resource, Scope, SummaryPoint, Visit,
};
use weir_pdata::{Batch, Signal, WireChunk};

/// Touches what every writer touches: the attributes of each point.
#[derive(Default)]
struct Touch(usize);

impl MetricsVisitor for Touch {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.0 += resource.attributes.len();
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        self.0 += scope.name.as_bytes().len();
    }

    fn metric(&mut self, metric: &Metric<'_>) -> Visit {
        self.0 += metric.points;
        Visit::Points
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        self.0 += point.attributes.len();
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>) {
        self.0 += point.attributes.len() + point.bucket_counts.len();
    }

    fn exponential_histogram(&mut self, point: &ExponentialHistogramPoint<'_>) {
        self.0 += point.attributes.len() + point.positive.counts.len();
    }

    fn summary(&mut self, point: &SummaryPoint<'_>) {
        self.0 += point.attributes.len();
    }
}

/// Looks at every point and changes nothing.
struct Look;

impl Editor for Look {}

/// Takes an attribute of each resource away.
struct DropResourceAttribute;

impl Editor for DropResourceAttribute {
    fn resource(&mut self, _: &Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
        assert!(edit.attributes.remove("service.name"));
        Answer::Keep
    }
}

/// Adds an attribute to every point.
struct UpsertPointAttribute;

impl Editor for UpsertPointAttribute {
    fn point(&mut self, _: &Attributes<'_>, edit: &mut PointEdit<'_>) -> Answer {
        edit.attributes.upsert("region", "eu-central-1");
        Answer::Keep
    }
}

/// Takes the first attribute of every point away.
struct DropPointAttribute;

impl Editor for DropPointAttribute {
    fn point(&mut self, _: &Attributes<'_>, edit: &mut PointEdit<'_>) -> Answer {
        let mut index = 0;
        edit.attributes.retain(|_| {
            index += 1;
            index > 1
        });
        Answer::Keep
    }
}

/// Sets value and start of number points, as an accumulator does.
struct SetValues;

impl Editor for SetValues {
    fn number(&mut self, point: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        edit.set_value(Number::Double(1.5));
        edit.point.set_start_ns(point.time_ns);
        Answer::Keep
    }
}

/// Drops every second point.
struct DropPoints(bool);

impl Editor for DropPoints {
    fn point(&mut self, _: &Attributes<'_>, _: &mut PointEdit<'_>) -> Answer {
        self.0 = !self.0;
        if self.0 { Answer::Drop } else { Answer::Keep }
    }
}

/// Rewrites a copy of the batch, which shares its bytes.
fn rewritten(batch: &Batch, editor: &mut impl Editor) -> Batch {
    let mut batch = batch.clone();
    batch.rewrite(editor).expect("small edits");
    batch
}

fn regrouped(batch: &Batch, keys: &[String]) -> Batch {
    let mut batch = batch.clone();
    batch.regroup(keys).expect("small resources");
    batch
}

fn stages(c: &mut Criterion) {
    for (name, payload) in [("mixed6", Payload::Mixed6), ("sums10", Payload::Sums10)] {
        let spec = Spec {
            payload,
            points: 1000,
            ..Spec::default()
        };
        let mut lanes = lanes(&spec, 1).expect("a valid workload");
        let request = lanes[0].next_request(1_700_000_000_000_000_000).as_request();
        let batch = Batch::from_wire(Signal::Metrics, request.clone()).expect("well formed");
        let mut group = c.benchmark_group(name);
        group.bench_function("check", |b| {
            b.iter(|| WireChunk::check(Signal::Metrics, black_box(request.clone())))
        });
        group.bench_function("visit", |b| {
            b.iter(|| {
                let mut touch = Touch::default();
                black_box(&batch).visit_metrics(&mut touch);
                touch.0
            });
        });
        group.bench_function("merge two", |b| {
            b.iter(|| {
                let mut merged = batch.clone();
                merged.append(black_box(batch.clone())).map(|()| merged)
            });
        });
        let hundred = NonZeroUsize::new(100).expect("not zero");
        group.bench_function("split by 100", |b| {
            b.iter(|| black_box(batch.clone()).split_items(hundred))
        });
        group.bench_function("rewrite, nothing", |b| {
            b.iter(|| rewritten(black_box(&batch), &mut Look))
        });
        group.bench_function("rewrite, drop a resource attribute", |b| {
            b.iter(|| rewritten(black_box(&batch), &mut DropResourceAttribute))
        });
        group.bench_function("rewrite, upsert a point attribute", |b| {
            b.iter(|| rewritten(black_box(&batch), &mut UpsertPointAttribute))
        });
        group.bench_function("rewrite, drop a point attribute", |b| {
            b.iter(|| rewritten(black_box(&batch), &mut DropPointAttribute))
        });
        group.bench_function("rewrite, set values", |b| {
            b.iter(|| rewritten(black_box(&batch), &mut SetValues))
        });
        group.bench_function("rewrite, drop half of the points", |b| {
            b.iter(|| rewritten(black_box(&batch), &mut DropPoints(false)))
        });
        for (name, keys) in [
            ("nothing", &[][..]),
            ("by an attribute", &["http.request.method".to_owned()][..]),
        ] {
            group.bench_function(format!("regroup, {name}"), |b| {
                b.iter(|| regrouped(black_box(&batch), keys))
            });
        }
        group.bench_function("decode", |b| b.iter(|| black_box(&batch).to_decoded()));
        group.finish();
    }
}

criterion_group!(benches, stages);
criterion_main!(benches);
