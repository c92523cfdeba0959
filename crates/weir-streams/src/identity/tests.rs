//! What makes two points one stream, and what does not.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use weir_pdata::view::{
    ExponentialHistogramPoint, HistogramPoint, MetricsVisitor, NumberPoint, SummaryPoint, Visit,
};
use weir_pdata::{Batch, Decoded, Signal};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{
    AnyValue as OtlpValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::{
    Metric as OtlpMetric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use weir_proto::otlp::resource::v1::Resource as OtlpResource;

use super::*;

/// Collects the ids of number points.
struct Ids(Identity, Vec<StreamId>);

impl MetricsVisitor for Ids {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.0.resource(resource);
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        self.0.scope(scope);
    }

    fn metric(&mut self, metric: &Metric<'_>) -> Visit {
        self.0.metric(metric);
        Visit::Points
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        self.1.push(self.0.stream(&point.attributes));
    }

    fn histogram(&mut self, _: &HistogramPoint<'_>) {}

    fn exponential_histogram(&mut self, _: &ExponentialHistogramPoint<'_>) {}

    fn summary(&mut self, _: &SummaryPoint<'_>) {}
}

fn ids(batch: &Batch) -> Vec<StreamId> {
    let mut ids = Ids(Identity::new(7), Vec::new());
    batch.visit_metrics(&mut ids);
    ids.1
}

/// Everything that is part of an identity, and some things that are not.
#[derive(Debug, Clone, Default)]
struct Stream {
    resource: Vec<KeyValue>,
    scope: InstrumentationScope,
    name: String,
    unit: String,
    description: String,
    temporality: i32,
    monotonic: bool,
    start: u64,
    attributes: Vec<KeyValue>,
}

impl Stream {
    fn request(&self) -> Decoded {
        let point = NumberDataPoint {
            attributes: self.attributes.clone(),
            start_time_unix_nano: self.start,
            time_unix_nano: 9,
            ..NumberDataPoint::default()
        };
        let metric = OtlpMetric {
            name: self.name.clone(),
            unit: self.unit.clone(),
            description: self.description.clone(),
            data: Some(Data::Sum(Sum {
                data_points: vec![point],
                aggregation_temporality: self.temporality,
                is_monotonic: self.monotonic,
            })),
            ..OtlpMetric::default()
        };
        Decoded::Metrics(ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(OtlpResource {
                    attributes: self.resource.clone(),
                    ..OtlpResource::default()
                }),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(self.scope.clone()),
                    metrics: vec![metric],
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        })
    }

    fn id(&self) -> StreamId {
        let decoded = self.request();
        let wire = Batch::from_wire(Signal::Metrics, decoded.to_bytes()).unwrap();
        let from_wire = ids(&wire);
        assert_eq!(
            from_wire,
            ids(&Batch::from_decoded(decoded)),
            "both forms have one identity"
        );
        from_wire[0]
    }
}

fn pair(key: impl Into<String>, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(OtlpValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

#[test]
fn each_part_of_the_identity_counts() {
    let base = Stream {
        resource: vec![text("service.name", "a")],
        name: "requests".to_owned(),
        unit: "1".to_owned(),
        temporality: 1,
        attributes: vec![text("a", "b")],
        ..Stream::default()
    };
    let change = |change: fn(&mut Stream)| {
        let mut stream = base.clone();
        change(&mut stream);
        stream.id()
    };
    let different: Vec<fn(&mut Stream)> = vec![
        |stream| stream.resource.push(text("x", "y")),
        |stream| stream.resource = vec![text("service.name", "b")],
        |stream| stream.scope.name.push('s'),
        |stream| stream.scope.version.push('s'),
        |stream| stream.scope.attributes.push(text("x", "y")),
        |stream| stream.name.push('s'),
        |stream| stream.unit.push('s'),
        |stream| stream.temporality = 2,
        |stream| stream.monotonic = true,
        |stream| stream.attributes.clear(),
        |stream| stream.attributes.push(text("a", "b")),
        |stream| stream.attributes = vec![text("ab", "")],
        |stream| stream.attributes = vec![pair("a", Value::BytesValue(b"b".to_vec()))],
        |stream| stream.attributes = vec![pair("a", Value::IntValue(1))],
        |stream| stream.attributes = vec![pair("a", Value::BoolValue(true))],
        |stream| stream.attributes = vec![pair("a", Value::DoubleValue(1.0))],
        // Moved to another level.
        |stream| std::mem::swap(&mut stream.resource, &mut stream.attributes),
        |stream| std::mem::swap(&mut stream.resource, &mut stream.scope.attributes),
    ];
    let mut seen = vec![base.id()];
    for part in different {
        let id = change(part);
        assert!(!seen.contains(&id), "case {}", seen.len());
        seen.push(id);
    }
    for same in [
        (|stream| stream.description.push('d')) as fn(&mut Stream),
        |stream| stream.start = 5,
    ] {
        assert_eq!(change(same), base.id());
    }
}

#[test]
fn ids_depend_on_the_seed_and_read_back() {
    let batch = Batch::from_decoded(Stream::default().request());
    let with_seed = |seed| {
        let mut ids = Ids(Identity::new(seed), Vec::new());
        batch.visit_metrics(&mut ids);
        ids.1[0]
    };
    assert_ne!(with_seed(1), with_seed(2));
    assert_eq!(StreamId::from_bytes(with_seed(1).to_bytes()), with_seed(1));
}

#[test]
fn ids_stay_what_they_are() {
    // State on a disk is found by them.
    let list = Value::ArrayValue(ArrayValue {
        values: vec![OtlpValue {
            value: Some(Value::IntValue(-7)),
        }],
    });
    let map = Value::KvlistValue(KeyValueList {
        values: vec![
            text("z", &"long".repeat(40)),
            pair("a", Value::BytesValue(vec![1, 2])),
        ],
    });
    let stream = Stream {
        resource: vec![text("service.name", "a"), pair("list", list), pair("map", map)],
        scope: InstrumentationScope {
            name: "scope".to_owned(),
            ..InstrumentationScope::default()
        },
        name: "requests".to_owned(),
        unit: "1".to_owned(),
        temporality: 1,
        attributes: vec![
            pair("up", Value::BoolValue(true)),
            pair("share", Value::DoubleValue(0.5)),
        ],
        ..Stream::default()
    };
    assert_eq!(
        u128::from_le_bytes(stream.id().to_bytes()),
        74_830_962_104_492_248_342_983_614_909_688_678_665
    );
}

#[test]
fn streams_of_different_owners_are_different() {
    let batch = Batch::from_decoded(Stream::default().request());
    let mut ids = Ids(Identity::new(1), Vec::new());
    for owner in [None, Some(""), Some("a"), Some("b"), None] {
        ids.0.owner(owner);
        batch.visit_metrics(&mut ids);
    }
    let [nobody, empty, a, b, again] = ids.1[..] else {
        panic!("one id each");
    };
    assert_eq!(nobody, again);
    assert!(nobody != empty && empty != a && a != b && nobody != a);
}

#[test]
fn edited_attributes_make_the_id_of_a_point_that_has_them() {
    let stream = |attributes: &[KeyValue]| Stream {
        attributes: attributes.to_vec(),
        ..Stream::default()
    };
    let (one, other) = (text("a", "1"), pair("b", Value::IntValue(2)));
    let mut ids = Ids(Identity::new(7), Vec::new());
    Batch::from_decoded(stream(std::slice::from_ref(&one)).request()).visit_metrics(&mut ids);
    let edited = |ids: &mut Ids, pairs: &[&KeyValue]| {
        let attributes = pairs.iter().map(|pair| Attribute::Decoded(pair));
        ids.0.stream_of(attributes)
    };
    assert_eq!(edited(&mut ids, &[&one]), ids.1[0]);
    assert_eq!(edited(&mut ids, &[]), stream(&[]).id());
    let both = stream(&[one.clone(), other.clone()]).id();
    assert_eq!(edited(&mut ids, &[&other, &one]), both);
    assert_ne!(
        ids.0.attribute(&Attribute::Decoded(&one)),
        ids.0.attribute(&Attribute::Decoded(&other))
    );
}

#[test]
fn the_way_of_encoding_does_not_count() {
    // The same attribute with its value first, and with lengths of two bytes.
    let plain = [0x0a, 1, b'k', 0x12, 3, 0x0a, 1, b'v'];
    let swapped = [0x12, 3, 0x0a, 1, b'v', 0x0a, 1, b'k'];
    let long = [0x0a, 0x81, 0, b'k', 0x12, 3, 0x0a, 1, b'v'];
    let id = |attribute: &[u8]| {
        let mut request = attribute.to_vec();
        // NumberDataPoint.attributes, Sum.data_points, Metric.sum, ScopeMetrics.metrics, ResourceMetrics.scope_metrics, the request.
        for tag in [0x3a, 0x0a, 0x3a, 0x12, 0x12, 0x0a] {
            request.insert(0, request.len() as u8);
            request.insert(0, tag);
        }
        ids(&Batch::from_wire(Signal::Metrics, Bytes::from(request)).unwrap())[0]
    };
    assert_eq!(id(&plain), id(&swapped));
    assert_eq!(id(&plain), id(&long));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        "[a-c]{0,2}".prop_map(Value::StringValue),
        "x{120,135}".prop_map(Value::StringValue),
        any::<i64>().prop_map(Value::IntValue),
        any::<f64>().prop_map(Value::DoubleValue),
        any::<bool>().prop_map(Value::BoolValue),
        vec(any::<u8>(), 0..3).prop_map(Value::BytesValue),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let values = vec(inner.clone(), 0..3).prop_map(|values| {
            Value::ArrayValue(ArrayValue {
                values: values
                    .into_iter()
                    .map(|value| OtlpValue { value: Some(value) })
                    .collect(),
            })
        });
        let pairs = vec(("[a-b]?", inner), 0..3).prop_map(|pairs| {
            Value::KvlistValue(KeyValueList {
                values: pairs.into_iter().map(|(key, value)| pair(key, value)).collect(),
            })
        });
        prop_oneof![values, pairs]
    })
}

proptest! {
    #[test]
    fn order_and_form_do_not_count(
        pairs in vec(("[a-c]{0,2}", value()), 0..6).prop_flat_map(|pairs| {
            let pairs: Vec<_> = pairs.into_iter().map(|(key, value)| pair(key, value)).collect();
            (Just(pairs.clone()), Just(pairs).prop_shuffle())
        }),
    ) {
        let stream = |attributes: &[KeyValue]| Stream { attributes: attributes.to_vec(), resource: attributes.to_vec(), ..Stream::default() };
        prop_assert_eq!(stream(&pairs.0).id(), stream(&pairs.1).id());
    }
}
