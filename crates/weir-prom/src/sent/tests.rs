use std::num::NonZeroUsize;

use proptest::prelude::*;
use prost::Message as _;
use weir_pdata::{Batch, Decoded};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value as Any;
use weir_proto::otlp::common::v1::{AnyValue, KeyValue};
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use weir_proto::prometheus::{v1, v2};

use super::*;
use crate::{Output, Settings, Translator};

const SECOND: u64 = 1_000_000_000;

fn pair(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Any::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

fn metric(name: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

/// Translates a gauge, a counter, a classic and a native histogram.
fn requests(protocol: Protocol) -> Vec<EncodedRequest> {
    let number = |value| NumberDataPoint {
        attributes: vec![pair("a", "b")],
        start_time_unix_nano: 5 * SECOND,
        time_unix_nano: 9 * SECOND,
        value: Some(Value::AsDouble(value)),
        ..NumberDataPoint::default()
    };
    let gauge = Gauge {
        data_points: vec![number(1.5)],
    };
    let sum = Sum {
        data_points: vec![number(7.0)],
        aggregation_temporality: 2,
        is_monotonic: true,
    };
    let explicit = HistogramDataPoint {
        start_time_unix_nano: 5 * SECOND,
        time_unix_nano: 9 * SECOND,
        count: 3,
        sum: Some(4.0),
        bucket_counts: vec![1, 2],
        explicit_bounds: vec![1.5],
        ..HistogramDataPoint::default()
    };
    let exponential = ExponentialHistogramDataPoint {
        start_time_unix_nano: 5 * SECOND,
        time_unix_nano: 9 * SECOND,
        count: 2,
        zero_count: 2,
        sum: Some(0.0),
        ..ExponentialHistogramDataPoint::default()
    };
    let metrics = vec![
        metric("level", Data::Gauge(gauge)),
        metric("requests", Data::Sum(sum)),
        metric(
            "classic",
            Data::Histogram(Histogram {
                data_points: vec![explicit],
                aggregation_temporality: 2,
            }),
        ),
        metric(
            "native",
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![exponential],
                aggregation_temporality: 2,
            }),
        ),
    ];
    let scope = ScopeMetrics {
        metrics,
        ..ScopeMetrics::default()
    };
    let resource = ResourceMetrics {
        scope_metrics: vec![scope],
        ..ResourceMetrics::default()
    };
    let batch = Batch::from_decoded(Decoded::Metrics(ExportMetricsServiceRequest {
        resource_metrics: vec![resource],
    }));
    let mut translator = Translator::new(Settings::default(), protocol).unwrap();
    translator.set_lanes(NonZeroUsize::MIN);
    let mut out = Output::default();
    translator.translate(&batch, &mut out);
    assert!(out.drops.is_empty(), "{:?}", out.drops);
    out.requests.clone()
}

/// A series as text, and its one sample.
type Read = (String, Values, i64, i64, bool);

fn read(requests: &[EncodedRequest]) -> Vec<Read> {
    let mut reader = SentReader::default();
    let mut found = Vec::new();
    for request in requests {
        reader.read(request, |sample| {
            let labels = labels(sample.labels)
                .map(|(name, value)| {
                    format!(
                        "{}={}",
                        str::from_utf8(name).unwrap(),
                        str::from_utf8(value).unwrap()
                    )
                })
                .collect::<Vec<_>>();
            assert!(!sample.is_stale);
            found.push((
                labels.join(","),
                sample.values,
                sample.start_ms,
                sample.time_ms,
                sample.is_histogram,
            ));
        });
    }
    found
}

#[test]
fn both_versions_read_the_same_but_for_starts_and_types() {
    let parts = |start| {
        [
            ("__name__=level,a=b", Values::Others, 0, false),
            ("__name__=requests_total,a=b", Values::Totals, start, false),
            ("__name__=classic_sum", Values::Parts, start, false),
            ("__name__=classic_count", Values::Totals, start, false),
            ("__name__=classic_bucket,le=1.5", Values::Parts, start, false),
            ("__name__=classic_bucket,le=+Inf", Values::Parts, start, false),
            ("__name__=native", Values::Others, start, true),
        ]
        .map(|(labels, values, start, is_histogram)| (labels.to_owned(), values, start, 9_000, is_histogram))
    };
    assert_eq!(read(&requests(Protocol::V2)), parts(5_000));
    let mut without_types = parts(0);
    without_types[3].1 = Values::Parts;
    without_types[5].1 = Values::Totals;
    assert_eq!(read(&requests(Protocol::V1)), without_types);
}

#[test]
fn markers_have_the_labels_of_their_series() {
    for protocol in [Protocol::V1, Protocol::V2] {
        let (mut reader, mut sent) = (SentReader::default(), Vec::new());
        let mut writer = MarkerWriter::new(protocol, 3, 0);
        for request in requests(protocol) {
            reader.read(&request, |sample| {
                let marker = Marker {
                    time_ms: sample.time_ms + 1,
                    is_histogram: sample.is_histogram,
                };
                writer.add(pieces(sample.labels), marker);
                sent.push((sample.labels.to_vec(), marker.time_ms, marker.is_histogram));
            });
        }
        let requests = writer.finish();
        let sizes: Vec<u64> = requests.iter().map(|request| request.series).collect();
        assert_eq!(sizes, [3, 3, 1]);
        let mut read = Vec::new();
        for request in &requests {
            reader.read(request, |sample| {
                assert!(sample.is_stale);
                read.push((sample.labels.to_vec(), sample.time_ms, sample.is_histogram));
            });
            let counts = match protocol {
                Protocol::V1 => {
                    let message = v1::WriteRequest::decode(&*request.message().unwrap()).unwrap();
                    let samples = message
                        .timeseries
                        .iter()
                        .map(|series| series.samples.len())
                        .sum::<usize>();
                    (message.timeseries.len(), samples)
                }
                Protocol::V2 => {
                    let message = v2::Request::decode(&*request.message().unwrap()).unwrap();
                    assert_eq!(message.symbols[0], "");
                    let samples = message
                        .timeseries
                        .iter()
                        .map(|series| series.samples.len())
                        .sum::<usize>();
                    (message.timeseries.len(), samples)
                }
            };
            assert_eq!(counts, (request.series as usize, request.counts.samples as usize));
        }
        assert_eq!(read, sent);
        let [first, second] = requests[0].clone().split().unwrap();
        assert_eq!((first.points, second.points), (1, 2));
    }
}

proptest! {
    #[test]
    fn reading_anything_ends(bytes in prop::collection::vec(any::<u8>(), 0..200), second in any::<bool>()) {
        let protocol = if second { Protocol::V2 } else { Protocol::V1 };
        SentReader::default().read_message(protocol, &bytes, |sample| {
            labels(sample.labels).count();
        });
    }
}
