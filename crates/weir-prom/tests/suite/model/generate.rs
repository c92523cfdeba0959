//! Random OTLP: small alphabets, so that keys, names, series and times meet often.

use proptest::prelude::*;
use proptest::sample::select;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{InstrumentationScope, KeyValue};
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::summary_data_point::ValueAtQuantile;
use weir_proto::otlp::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, SummaryDataPoint, exemplar, metric::Data,
    number_data_point,
};

use crate::support::otlp::*;

pub(super) fn request() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    prop::collection::vec(resource(), 0..4)
        .prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}

fn resource() -> impl Strategy<Value = ResourceMetrics> {
    let keys = vec![
        "service.name",
        "service.namespace",
        "service.instance.id",
        "host",
        "a.b",
        "a.c",
    ];
    (attribute_list(keys), prop::collection::vec(scope(), 0..3)).prop_map(|(attributes, scope_metrics)| {
        ResourceMetrics {
            scope_metrics,
            ..resource_metrics(attributes, None, Vec::new())
        }
    })
}

fn scope() -> impl Strategy<Value = ScopeMetrics> {
    let named = (
        select(vec!["", "lib"]),
        select(vec!["", "1"]),
        attribute_list(vec!["name", "x.y", "x_y"]),
    );
    let scope = named.prop_map(|(name, version, attributes)| InstrumentationScope {
        name: name.to_owned(),
        version: version.to_owned(),
        attributes,
        ..InstrumentationScope::default()
    });
    (
        prop::option::of(scope),
        prop::collection::vec(metric_of_any_kind(), 0..5),
        select(vec!["", "https://s"]),
    )
        .prop_map(|(scope, metrics, url)| ScopeMetrics {
            scope,
            metrics,
            schema_url: url.to_owned(),
        })
}

fn attribute_list(keys: Vec<&'static str>) -> impl Strategy<Value = Vec<KeyValue>> {
    let texts = select(vec!["", "x", "y", "ü"]).prop_map(|text| Value::StringValue(text.to_owned()));
    let numbers = select(vec![1i64, -7]).prop_map(Value::IntValue);
    let one = prop_oneof![4 => texts, 1 => numbers].prop_map(value);
    // Keys in random order, none twice.
    prop::sample::subsequence(keys.clone(), 0..=keys.len())
        .prop_shuffle()
        .prop_flat_map(move |keys| {
            let values = prop::collection::vec(one.clone(), keys.len());
            values.prop_map(move |values| keys.iter().zip(values).map(|(k, v)| attribute_of(k, v)).collect())
        })
}

/// Without `le` and `quantile`: points that differ in those alone would share the generated series.
fn plain_attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    attribute_list(vec!["a.b", "a_b", "Zone", "__name__", "job", "host"])
}

fn point_attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    attribute_list(vec![
        "a.b", "a_b", "Zone", "le", "quantile", "__name__", "job", "host",
    ])
}

/// Start time, time, flags.
fn times() -> impl Strategy<Value = (u64, u64, u32)> {
    let time = select(vec![
        0u64,
        1_000_000_000,
        1_000_000_001,
        2_000_000_000,
        3_000_000_000,
    ]);
    (
        select(vec![0u64, 1, 500_000_000, 2_500_000_000]),
        time,
        prop_oneof![9 => Just(0u32), 1 => Just(1)],
    )
}

fn metric_of_any_kind() -> impl Strategy<Value = Metric> {
    let temporality = prop_oneof![8 => Just(CUMULATIVE), 1 => Just(DELTA), 1 => Just(0)];
    let points = || prop::collection::vec(number_point(), 0..5);
    let kind = prop_oneof![
        points().prop_map(|points| ("g", gauge(points))),
        (points(), any::<bool>(), temporality.clone()).prop_map(|(p, m, t)| ("s", sum(p, m, t))),
        (
            prop::collection::vec(histogram_point(), 0..4),
            temporality.clone()
        )
            .prop_map(|(data_points, t)| {
                (
                    "h",
                    Data::Histogram(Histogram {
                        data_points,
                        aggregation_temporality: t,
                    }),
                )
            }),
        (prop::collection::vec(exponential_point(), 0..4), temporality).prop_map(|(data_points, t)| {
            (
                "e",
                Data::ExponentialHistogram(ExponentialHistogram {
                    data_points,
                    aggregation_temporality: t,
                }),
            )
        }),
        prop::collection::vec(summary_point(), 0..3).prop_map(|points| ("q", summary(points))),
    ];
    (
        kind,
        select(vec!["one", "two", "@@"]),
        select(vec!["", "s", "1", "By/s"]),
    )
        .prop_map(|((kind, data), name, unit)| {
            // A name of nothing but symbols; kinds that make `_sum` and `_count` must not share one.
            let name = if name == "@@" && kind != "h" && kind != "q" {
                name.to_owned()
            } else {
                format!("{kind}.{name}")
            };
            Metric {
                description: format!("help of {name}"),
                ..metric(&name, unit, data)
            }
        })
}

fn number_value() -> impl Strategy<Value = f64> {
    select(vec![0.0, -2.0, 1.5, f64::NAN, f64::INFINITY])
}

fn number_point() -> impl Strategy<Value = NumberDataPoint> {
    let value = prop::option::of(prop_oneof![
        number_value().prop_map(number_data_point::Value::AsDouble),
        any::<i64>().prop_map(number_data_point::Value::AsInt),
    ]);
    (point_attributes(), times(), value, exemplars()).prop_map(
        |(attributes, (start, time, flags), value, exemplars)| NumberDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            flags,
            value,
            exemplars,
        },
    )
}

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let ids = (
        select(vec![Vec::new(), vec![0; 16], vec![7; 16]]),
        select(vec![Vec::new(), vec![9; 8]]),
    );
    let one = (
        ids,
        select(vec![0u64, 700_000_000, 800_000_000]),
        0..12i32,
        attribute_list(vec!["a.b", "trace_id"]),
    );
    prop::collection::vec(
        one.prop_map(
            |((trace_id, span_id), time_unix_nano, value, filtered_attributes)| Exemplar {
                trace_id,
                span_id,
                time_unix_nano,
                filtered_attributes,
                value: (value > 0).then(|| exemplar::Value::AsDouble(f64::from(value))),
            },
        ),
        0..4,
    )
}

fn histogram_point() -> impl Strategy<Value = HistogramDataPoint> {
    let bounds = select(vec![
        vec![],
        vec![1.0, 5.0],
        vec![1.0, 2.0, 10.0],
        vec![1.0, f64::INFINITY],
        vec![5.0, 1.0],
        vec![f64::NEG_INFINITY, 1.0],
    ]);
    let counts = prop::collection::vec(0..3u64, 4);
    let shape = (bounds, counts, 0..10u8, prop::option::of(number_value()));
    (plain_attributes(), times(), shape, exemplars()).prop_map(
        |(attributes, (start, time, flags), (bounds, mut counts, oddity, sum), exemplars)| {
            counts.truncate(bounds.len() + 1);
            let total: u64 = counts.iter().sum();
            match oddity {
                0 => counts.clear(),
                1 => counts.push(1),
                _ => {}
            }
            HistogramDataPoint {
                attributes,
                start_time_unix_nano: start,
                time_unix_nano: time,
                flags,
                count: if oddity == 2 { total + 1 } else { total },
                sum,
                bucket_counts: counts,
                explicit_bounds: bounds,
                exemplars,
                ..HistogramDataPoint::default()
            }
        },
    )
}

fn exponential_point() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let side = || {
        (
            -40..40i32,
            prop::collection::vec(prop_oneof![2 => Just(0u64), 1 => 1..4u64], 0..12),
        )
            .prop_map(|(offset, bucket_counts)| Buckets {
                offset,
                bucket_counts,
            })
    };
    let shape = (
        -6..12i32,
        0..3u64,
        0..8u8,
        prop::option::of(side()),
        side(),
        select(vec![0.0, 0.5]),
    );
    (
        point_attributes(),
        times(),
        shape,
        prop::option::weighted(0.9, number_value()),
        exemplars(),
    )
        .prop_map(
            |(
                attributes,
                (start, time, flags),
                (scale, zero_count, oddity, positive, negative, threshold),
                sum,
                exemplars,
            )| {
                let total = |b: &Buckets| b.bucket_counts.iter().sum::<u64>();
                let count = zero_count + positive.as_ref().map_or(0, total) + total(&negative);
                ExponentialHistogramDataPoint {
                    attributes,
                    start_time_unix_nano: start,
                    time_unix_nano: time,
                    flags,
                    scale,
                    zero_count,
                    zero_threshold: threshold,
                    positive,
                    negative: Some(negative),
                    count: if oddity == 0 { count + 1 } else { count },
                    sum,
                    exemplars,
                    ..ExponentialHistogramDataPoint::default()
                }
            },
        )
}

fn summary_point() -> impl Strategy<Value = SummaryDataPoint> {
    let quantiles = select(vec![
        vec![],
        vec![0.5, 0.99],
        vec![0.99, 0.5, 1.0],
        vec![0.5, 0.5],
    ]);
    (plain_attributes(), times(), quantiles, 0..5u64, number_value()).prop_map(
        |(attributes, (start, time, flags), quantiles, count, sum)| SummaryDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            flags,
            count,
            sum,
            quantile_values: quantiles
                .into_iter()
                .map(|quantile| ValueAtQuantile { quantile, value: sum })
                .collect(),
        },
    )
}
