//! Totals against a decoding of every request sent.

use std::collections::HashMap;

use prost::Message as _;
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::metrics::v1::{metric::Data, number_data_point::Value};

use super::*;
use crate::codec::{from_json, to_json};
use crate::count::count_items;

const NOW: u64 = 1_760_000_000_000_000_000;

/// Values of a series as decoded: time, and the numbers that count for its class.
type Seen = HashMap<String, Vec<(u64, u64, [f64; 2])>>;

fn decode(request: &Request, seen: &mut Seen) -> u64 {
    let request = ExportMetricsServiceRequest::decode(request.as_request()).unwrap();
    let mut points = 0;
    for resource in &request.resource_metrics {
        let id = format!("{:?}", resource.resource.as_ref().unwrap().attributes);
        assert_eq!(resource.resource.as_ref().unwrap().attributes.len(), 8);
        for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            let mut add = |attributes: &dyn std::fmt::Debug, start: u64, time: u64, values: [f64; 2]| {
                points += 1;
                seen.entry(format!("{} {id} {attributes:?}", metric.name))
                    .or_default()
                    .push((start, time, values));
            };
            match metric.data.as_ref().unwrap() {
                Data::Sum(sum) => sum.data_points.iter().for_each(|point| {
                    let value = number(point.value.unwrap());
                    add(
                        &point.attributes,
                        point.start_time_unix_nano,
                        point.time_unix_nano,
                        [value, 0.0],
                    );
                }),
                Data::Gauge(gauge) => gauge.data_points.iter().for_each(|point| {
                    let value = number(point.value.unwrap());
                    add(
                        &point.attributes,
                        point.start_time_unix_nano,
                        point.time_unix_nano,
                        [value, 0.0],
                    );
                }),
                Data::Histogram(histogram) => histogram.data_points.iter().for_each(|point| {
                    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                    assert_eq!(point.bucket_counts.len(), 12);
                    let values = [point.count as f64, point.sum.unwrap()];
                    add(
                        &point.attributes,
                        point.start_time_unix_nano,
                        point.time_unix_nano,
                        values,
                    );
                }),
                Data::ExponentialHistogram(histogram) => histogram.data_points.iter().for_each(|point| {
                    let positive = &point.positive.as_ref().unwrap().bucket_counts;
                    assert_eq!(positive.len(), 40);
                    assert_eq!(positive.iter().sum::<u64>() + point.zero_count, point.count);
                    let values = [point.count as f64, point.sum.unwrap()];
                    add(
                        &point.attributes,
                        point.start_time_unix_nano,
                        point.time_unix_nano,
                        values,
                    );
                }),
                Data::Summary(_) => panic!("no summaries in the load"),
            }
        }
    }
    points
}

fn number(value: Value) -> f64 {
    match value {
        Value::AsInt(value) => value as f64,
        Value::AsDouble(value) => value,
    }
}

fn finals(seen: &Seen, temporality: Temporality) -> Finals {
    let mut finals = Finals::default();
    for (series, points) in seen {
        let last = points.last().unwrap().2;
        let all = points.iter().fold([0.0, 0.0], |sum, point| {
            [sum[0] + point.2[0], sum[1] + point.2[1]]
        });
        let [first, second] = if temporality == Temporality::Delta {
            all
        } else {
            last
        };
        match Class::of(series).unwrap() {
            Class::Counter => finals.counters += first,
            Class::Gauge => finals.gauges += last[0],
            Class::Histogram => {
                finals.histogram_counts += first;
                finals.histogram_sums += second;
            }
            Class::Exponential => {
                finals.exponential_counts += first;
                finals.exponential_sums += second;
            }
        }
    }
    finals
}

fn check(spec: Spec, lane_count: usize, requests: usize, step: u64) -> Totals {
    let mut seen = Seen::new();
    let mut expected = Totals::default();
    for mut lane in lanes(&spec, lane_count).unwrap() {
        let mut points = 0;
        for request in 0..requests as u64 {
            points += decode(&lane.next_request(NOW + request * step), &mut seen);
        }
        assert_eq!(points, lane.totals().points.total());
        expected += lane.totals();
    }
    assert_eq!(seen.len() as u64, expected.series);
    assert_eq!(finals(&seen, spec.temporality), expected.finals);
    for points in seen.values() {
        for (start, time, _) in points {
            assert!(start < time);
        }
        for pair in points.windows(2) {
            assert!(pair[0].1 < pair[1].1, "times of a series rise");
            match spec.temporality {
                Temporality::Cumulative => assert_eq!(pair[0].0, pair[1].0),
                Temporality::Delta => assert_eq!(pair[0].1, pair[1].0, "delta intervals join"),
            }
        }
    }
    expected
}

#[test]
fn mixed6_has_the_stated_proportions_and_totals() {
    let totals = check(
        Spec {
            series: 3000,
            ..Spec::default()
        },
        2,
        5,
        1,
    );
    assert_eq!(totals.points.total(), 10_000);
    assert_eq!(totals.points.sum, 5000);
    assert_eq!(totals.points.gauge, 3000);
    assert_eq!(totals.points.histogram, 1500);
    assert_eq!(totals.points.exponential, 500);
    assert_eq!(totals.samples() + totals.histograms(), 29_500);
    assert_eq!(totals.series, 3000);
}

#[test]
fn delta_totals_are_the_sum_of_all_points() {
    check(
        Spec {
            temporality: Temporality::Delta,
            points: 80,
            series: 200,
            ..Spec::default()
        },
        1,
        9,
        1_000_000_000,
    );
}

#[test]
fn replaced_instances_keep_their_final_values() {
    let spec = Spec {
        points: 40,
        series: 400,
        churn: 0.5,
        ..Spec::default()
    };
    let totals = check(spec, 3, 40, 250_000_000);
    assert!(totals.series > 1200, "{}", totals.series);
}

#[test]
fn sums_payloads_differ_in_how_unique_their_attributes_are() {
    let distinct = |payload| {
        let spec = Spec {
            payload,
            series: 1000,
            ..Spec::default()
        };
        check(spec.clone(), 1, 2, 1);
        let request = lanes(&spec, 1).unwrap()[0].next_request(NOW);
        let request = ExportMetricsServiceRequest::decode(request.as_request()).unwrap();
        let scopes = request.resource_metrics[0].scope_metrics.iter();
        let mut attributes = Vec::new();
        for metric in scopes.flat_map(|scope| &scope.metrics) {
            let Some(Data::Sum(sum)) = &metric.data else {
                panic!("not a sum")
            };
            attributes.extend(sum.data_points.iter().flat_map(|point| {
                assert_eq!(point.attributes.len(), 10);
                point.attributes.iter().map(|attribute| format!("{attribute:?}"))
            }));
        }
        attributes.iter().collect::<std::collections::HashSet<_>>().len()
    };
    assert!(distinct(Payload::Sums10) < 100);
    assert!((1000..1100).contains(&distinct(Payload::Card10)));
    assert!(distinct(Payload::Uniq10) > 9000);
}

#[test]
fn body_sizes_are_those_of_the_budget_table() {
    for (payload, expected) in [
        (Payload::Mixed6, 306_000.0),
        (Payload::Sums10, 426_000.0),
        (Payload::Uniq10, 446_000.0),
    ] {
        let request = lanes(
            &Spec {
                payload,
                ..Spec::default()
            },
            1,
        )
        .unwrap()[0]
            .next_request(NOW);
        let size = request.as_request().len() as f64;
        assert!((size / expected - 1.0).abs() < 0.02, "{payload:?}: {size}");
    }
}

#[test]
fn small_requests_keep_the_mix() {
    let spec = Spec {
        points: 40,
        series: 40,
        ..Spec::default()
    };
    let totals = check(spec, 1, 1, 1);
    assert_eq!((totals.points.sum, totals.points.gauge), (20, 12));
    assert_eq!((totals.points.histogram, totals.points.exponential), (6, 2));
}

#[test]
fn the_grpc_header_states_the_length() {
    let request = lanes(&Spec::default(), 1).unwrap()[0].next_request(NOW);
    let message = request.as_grpc_message();
    assert_eq!(message[0], 0);
    assert_eq!(
        u32::from_be_bytes(message[1..5].try_into().unwrap()) as usize,
        request.as_request().len()
    );
}

#[test]
fn classes_are_told_before_and_after_translation() {
    assert_eq!(Class::of("load.counter.07.measured"), Some(Class::Counter));
    assert_eq!(
        Class::of("load_exponential_13_measured_bytes"),
        Some(Class::Exponential)
    );
    assert_eq!(Class::of("loads_counter_1"), None);
    assert_eq!(Class::of("target_info"), None);
}

#[test]
fn spans_and_log_records_have_ids_of_their_own_in_every_request() {
    let spec = |payload| Spec {
        payload,
        points: 50,
        series: 100,
        ..Spec::default()
    };
    let requests = |payload| {
        let mut lane = lanes(&spec(payload), 1).unwrap().remove(0);
        let requests: Vec<_> = (0..4)
            .map(|n| lane.next_request(NOW + n * 1_000_000_000))
            .collect();
        (requests, lane.totals())
    };
    let mut ids = std::collections::HashSet::new();

    let (traces, totals) = requests(Payload::Spans);
    assert_eq!(
        (totals.points.spans, totals.points.total(), totals.series),
        (200, 200, 0)
    );
    for request in traces {
        assert_eq!(request.points, 50);
        let request = ExportTraceServiceRequest::decode(request.as_request()).unwrap();
        for span in request.resource_spans[0]
            .scope_spans
            .iter()
            .flat_map(|scope| &scope.spans)
        {
            assert!(
                NOW - 1_000_000 <= span.start_time_unix_nano
                    && span.start_time_unix_nano < span.end_time_unix_nano
            );
            assert!(ids.insert((span.trace_id.clone(), span.span_id.clone())));
            assert_eq!(span.attributes.len(), 6);
        }
    }

    assert_eq!(ids.len(), 200);
    ids.clear();
    let (logs, totals) = requests(Payload::Logs);
    assert_eq!((totals.points.log_records, totals.points.total()), (200, 200));
    for request in logs {
        let request = ExportLogsServiceRequest::decode(request.as_request()).unwrap();
        for record in request.resource_logs[0]
            .scope_logs
            .iter()
            .flat_map(|scope| &scope.log_records)
        {
            assert!(record.time_unix_nano >= NOW && record.observed_time_unix_nano == record.time_unix_nano);
            assert!(ids.insert((record.trace_id.clone(), record.span_id.clone())));
        }
    }
    assert_eq!(ids.len(), 200);
}

#[test]
fn json_is_the_first_request_with_times_and_instance_moved_on() {
    for payload in [Payload::Mixed6, Payload::Spans, Payload::Logs] {
        let spec = Spec {
            payload,
            points: 40,
            series: 80,
            ..Spec::default()
        };
        let lane = || lanes(&spec, 1).unwrap().remove(0);
        let (mut proto, mut json) = (lane(), lane().into_json());
        let signal = payload.signal();
        let as_json = |request: &Request| to_json(signal, &request.as_request()).unwrap();
        // Of two instances, one after the other: both are visited for the first time.
        for now in [NOW, NOW + 1] {
            let (proto, json) = (proto.next_request(now), json.next_request(now));
            assert_eq!(json.points, proto.points);
            let text = String::from_utf8(json.as_request().to_vec()).unwrap();
            if payload == Payload::Mixed6 {
                assert_eq!(text, String::from_utf8(as_json(&proto)).unwrap());
            }
            assert!(text.contains(&NOW.to_string()), "{text}");
        }
        assert_eq!(json.totals().points, proto.totals().points);
        let later = json.next_request(NOW + 7_000_000_000).as_request();
        let later = from_json(signal, &later).unwrap();
        assert_eq!(count_items(signal, &later).unwrap().total(), 40);
    }
}
