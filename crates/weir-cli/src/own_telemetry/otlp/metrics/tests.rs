//! What a snapshot says in OTLP.

use weir_component::BuildInfo;
use weir_telemetry::{Def, Level, Metrics, Unit};

use super::*;

const SEEN: Def = Def::new("weir_test_seen", "Things seen.").of("{things}");
const SPENT: Def = Def::new("otelcol_process_cpu_seconds", "Time spent.").unit(Unit::Seconds);
const TOOK: Def = Def::new("weir_test_took", "Time.").unit(Unit::Seconds);
const OPEN: Def = Def::new("weir_test_open", "Open things.").up_down();
const HELD: Def = Def::new("weir_test_held", "Held things.");

fn resource() -> OwnResource {
    OwnResource {
        attributes: BTreeMap::new(),
        schema_url: "https://schema.test".to_owned(),
        version: BuildInfo::default().version,
    }
}

fn found(request: &ExportMetricsServiceRequest, name: &str) -> MetricProto {
    let scopes = request
        .resource_metrics
        .iter()
        .flat_map(|resource| &resource.scope_metrics);
    let mut metrics = scopes.flat_map(|scope| &scope.metrics);
    metrics.find(|metric| metric.name == name).expect(name).clone()
}

fn sum(request: &ExportMetricsServiceRequest, name: &str) -> Sum {
    match found(request, name).data {
        Some(metric::Data::Sum(sum)) => sum,
        other => panic!("{name}: {other:?}"),
    }
}

fn histogram(request: &ExportMetricsServiceRequest, name: &str) -> Histogram {
    match found(request, name).data {
        Some(metric::Data::Histogram(histogram)) => histogram,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn totals_say_kind_unit_scope_and_start() {
    let metrics = Metrics::new(Level::Detailed);
    metrics.counter(&SEEN, &[("error.type", "x")]).increment(3);
    metrics.gauge(&OPEN, &[]).increment(2.0);
    metrics.gauge(&HELD, &[]).set(7.0);
    metrics.set_total(&SPENT, 1.5);
    metrics.histogram(&TOOK, &[]).record(0.002);
    let snapshot = metrics.snapshot();
    let request = Told::new(Temporality::Cumulative).request(&snapshot, &resource());

    let scopes = request.resource_metrics[0].scope_metrics.iter();
    let names: Vec<_> = scopes
        .map(|scope| scope.scope.clone().expect("scope").name)
        .collect();
    assert_eq!(names, ["go.opentelemetry.io/collector/service", "weir"]);
    let (seen, counter) = (found(&request, SEEN.name), sum(&request, SEEN.name));
    assert_eq!(
        (seen.unit.as_str(), seen.description.as_str()),
        ("{things}", "Things seen.")
    );
    assert!(counter.is_monotonic);
    assert_eq!(
        counter.aggregation_temporality,
        AggregationTemporality::Cumulative as i32
    );
    let point = &counter.data_points[0];
    assert_eq!(point.value, Some(number_data_point::Value::AsInt(3)));
    assert_eq!(point.attributes[0].key, "error.type");
    assert_eq!(point.start_time_unix_nano, nanos(snapshot.since));
    assert!(point.start_time_unix_nano <= point.time_unix_nano);
    assert!(!sum(&request, OPEN.name).is_monotonic);
    assert_eq!(
        sum(&request, SPENT.name).data_points[0].value,
        Some(number_data_point::Value::AsDouble(1.5))
    );
    assert!(matches!(
        found(&request, HELD.name).data,
        Some(metric::Data::Gauge(_))
    ));
    let point = &histogram(&request, TOOK.name).data_points[0];
    assert_eq!((point.count, point.sum, point.min), (1, Some(0.002), Some(0.002)));
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
}

#[test]
fn what_is_new_is_told_once_and_again_after_a_failure() {
    let metrics = Metrics::new(Level::Detailed);
    let (seen, took) = (metrics.counter(&SEEN, &[]), metrics.histogram(&TOOK, &[]));
    let mut told = Told::new(Temporality::Delta);
    let count = |request: &ExportMetricsServiceRequest| sum(request, SEEN.name).data_points[0].value;
    let int = |value| Some(number_data_point::Value::AsInt(value));

    seen.increment(3);
    took.record(1.0);
    let first = metrics.snapshot();
    assert_eq!(count(&told.request(&first, &resource())), int(3));
    let first_at = nanos(first.at);
    told.remember(first);

    seen.increment(2);
    took.record(2.0);
    // This one does not arrive.
    assert_eq!(count(&told.request(&metrics.snapshot(), &resource())), int(2));
    seen.increment(4);
    let request = told.request(&metrics.snapshot(), &resource());
    assert_eq!(count(&request), int(6));
    let point = &sum(&request, SEEN.name).data_points[0];
    assert_eq!(point.start_time_unix_nano, first_at);
    let point = &histogram(&request, TOOK.name).data_points[0];
    assert_eq!((point.count, point.sum, point.max), (1, Some(2.0), None));
}

#[test]
fn with_little_memory_what_is_kept_elsewhere_is_told_in_totals() {
    let metrics = Metrics::new(Level::Detailed);
    metrics.counter(&SEEN, &[]).increment(1);
    metrics
        .counter(&Def::new("weir_test_kept", "Kept.").observed(), &[])
        .absolute(5);
    let mut told = Told::new(Temporality::Lowmemory);
    told.remember(metrics.snapshot());
    let request = told.request(&metrics.snapshot(), &resource());
    assert_eq!(
        sum(&request, SEEN.name).aggregation_temporality,
        AggregationTemporality::Delta as i32
    );
    let kept = sum(&request, "weir_test_kept");
    assert_eq!(
        kept.aggregation_temporality,
        AggregationTemporality::Cumulative as i32
    );
    assert_eq!(
        kept.data_points[0].value,
        Some(number_data_point::Value::AsInt(5))
    );
}
