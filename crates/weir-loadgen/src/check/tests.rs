//! One broken request per rule.

use prost::Message as _;
use weir_proto::prometheus::{v1, v2};

use super::*;

/// A request with one sound counter, histogram and exemplar.
fn sound() -> v2::Request {
    let symbols = [
        "",
        "__name__",
        "requests_total",
        "job",
        "api",
        "latency",
        "trace_id",
        "abc",
    ];
    let counter = v2::TimeSeries {
        labels_refs: vec![1, 2, 3, 4],
        samples: vec![sample(1.0, 1000), sample(2.0, 2000)],
        exemplars: vec![v2::Exemplar {
            labels_refs: vec![6, 7],
            value: 1.0,
            timestamp: 900,
        }],
        metadata: Some(v2::Metadata {
            r#type: 1,
            ..Default::default()
        }),
        ..Default::default()
    };
    let native = v2::TimeSeries {
        labels_refs: vec![1, 5, 3, 4],
        histograms: vec![v2::Histogram {
            count: Some(v2::histogram::Count::CountInt(6)),
            zero_count: Some(v2::histogram::ZeroCount::ZeroCountInt(1)),
            sum: 4.0,
            schema: 3,
            positive_spans: vec![v2::BucketSpan { offset: 1, length: 2 }],
            positive_deltas: vec![2, 1],
            timestamp: 1000,
            start_timestamp: 500,
            ..Default::default()
        }],
        metadata: Some(v2::Metadata {
            r#type: 3,
            ..Default::default()
        }),
        ..Default::default()
    };
    v2::Request {
        symbols: symbols.map(String::from).to_vec(),
        timeseries: vec![counter, native],
    }
}

fn sample(value: f64, timestamp: i64) -> v2::Sample {
    v2::Sample {
        value,
        timestamp,
        start_timestamp: 500,
    }
}

fn broken(requests: &[v2::Request]) -> Vec<Rule> {
    let mut checker = Checker::default();
    for request in requests {
        checker.remote_write(RemoteWrite::V2, &request.encode_to_vec());
    }
    checker
        .findings()
        .violations
        .iter()
        .map(|(rule, _)| rule)
        .collect()
}

fn check(rule: Rule, spoil: impl FnOnce(&mut v2::Request)) {
    let mut request = sound();
    spoil(&mut request);
    assert!(broken(&[request]).contains(&rule), "{rule}");
}

fn counter(request: &mut v2::Request) -> &mut v2::TimeSeries {
    &mut request.timeseries[0]
}

fn native(request: &mut v2::Request) -> &mut v2::Histogram {
    &mut request.timeseries[1].histograms[0]
}

#[test]
fn a_sound_request_breaks_nothing() {
    assert_eq!(broken(&[sound()]), []);
}

#[test]
fn symbol_rules_of_2_0_are_told() {
    check(Rule::FirstSymbol, |r| r.symbols[0] = "x".into());
    check(Rule::FirstSymbol, |r| *r = v2::Request::default());
    check(Rule::SymbolRepeated, |r| r.symbols.push("job".into()));
    check(Rule::SymbolRange, |r| counter(r).labels_refs[3] = 99);
    check(Rule::SymbolRange, |r| counter(r).exemplars[0].labels_refs[0] = 99);
    check(Rule::RefsOdd, |r| counter(r).labels_refs.push(1));
    check(Rule::MetadataRange, |r| {
        counter(r).metadata = Some(v2::Metadata {
            help_ref: 99,
            ..Default::default()
        })
    });
}

#[test]
fn label_rules_are_told() {
    check(Rule::LabelsMissing, |r| counter(r).labels_refs.clear());
    check(Rule::LabelsUnsorted, |r| {
        counter(r).labels_refs = vec![3, 4, 1, 2]
    });
    check(Rule::LabelRepeated, |r| {
        counter(r).labels_refs = vec![1, 2, 3, 4, 3, 5]
    });
    check(Rule::LabelEmptyName, |r| {
        counter(r).labels_refs = vec![0, 4, 1, 2]
    });
    check(Rule::LabelEmptyValue, |r| {
        counter(r).labels_refs = vec![1, 2, 3, 0]
    });
    check(Rule::NameMissing, |r| counter(r).labels_refs = vec![3, 4]);
    check(Rule::NameReserved, |r| r.symbols[3] = "__meta".into());
}

#[test]
fn content_rules_are_told() {
    check(Rule::SeriesEmpty, |r| counter(r).samples.clear());
    check(Rule::SeriesMixed, |r| {
        let histogram = native(r).clone();
        counter(r).histograms.push(histogram);
    });
    check(Rule::TimeOrder, |r| counter(r).samples.reverse());
    check(Rule::MetadataType, |r| counter(r).metadata = None);
    check(Rule::StartMissing, |r| counter(r).samples[0].start_timestamp = 0);
    check(Rule::StartAfterTime, |r| {
        counter(r).samples[0].start_timestamp = 5000
    });
    check(Rule::ExemplarTime, |r| counter(r).exemplars[0].timestamp = 0);
    check(Rule::ExemplarLabels, |r| {
        counter(r).exemplars[0].labels_refs = vec![6, 7, 6, 7]
    });
    check(Rule::ExemplarLength, |r| r.symbols[7] = "a".repeat(150));
}

#[test]
fn histogram_rules_are_told() {
    check(Rule::HistogramMixed, |r| native(r).positive_counts.push(1.0));
    check(Rule::HistogramSpans, |r| native(r).positive_spans[0].length = 3);
    check(Rule::HistogramSpans, |r| {
        native(r).positive_spans = vec![
            v2::BucketSpan { offset: 1, length: 1 },
            v2::BucketSpan {
                offset: -1,
                length: 1,
            },
        ];
    });
    check(Rule::HistogramNegative, |r| {
        native(r).positive_deltas = vec![2, -3]
    });
    check(Rule::HistogramTotal, |r| {
        native(r).count = Some(v2::histogram::Count::CountInt(7))
    });
    check(Rule::HistogramSchema, |r| native(r).schema = 9);
    check(Rule::HistogramCustom, |r| native(r).custom_values.push(1.0));
    check(Rule::HistogramCustom, |r| {
        native(r).schema = -53;
        native(r).custom_values = vec![2.0, 1.0];
    });
}

#[test]
fn rules_over_several_requests_are_told() {
    let at = |time, value| {
        let mut request = sound();
        counter(&mut request).samples = vec![sample(value, time)];
        request.timeseries.truncate(1);
        request
    };
    assert_eq!(broken(&[at(2000, 1.0), at(3000, 1.0)]), []);
    assert_eq!(broken(&[at(2000, 1.0), at(1000, 1.0)]), [Rule::OutOfOrder]);
    assert_eq!(broken(&[at(2000, 1.0), at(2000, 2.0)]), [Rule::DuplicateTime]);
    assert_eq!(broken(&[at(2000, 2.0), at(3000, 1.0)]), [Rule::CounterFell]);
    // A counter may fall when it starts anew.
    let mut restarted = at(3000, 1.0);
    counter(&mut restarted).samples[0].start_timestamp = 2500;
    assert_eq!(broken(&[at(2000, 2.0), restarted]), []);
}

#[test]
fn exact_repeats_are_counted_and_legal() {
    let mut checker = Checker::default();
    let mut request = sound();
    counter(&mut request).samples.truncate(1);
    for _ in 0..3 {
        checker.remote_write(RemoteWrite::V2, &request.encode_to_vec());
    }
    let findings = checker.findings();
    assert_eq!(
        findings.violations.count(Level::Must),
        0,
        "{}",
        findings.violations
    );
    assert_eq!(findings.series.repeats, 4);
    assert_eq!(findings.series.len(), 2);
}

#[test]
fn a_body_that_is_no_message_is_told() {
    for version in [RemoteWrite::V1, RemoteWrite::V2] {
        let mut checker = Checker::default();
        checker.remote_write(version, b"\x0a\xff");
        assert_eq!(checker.findings().violations.of(Rule::Protobuf), 1);
    }
}

#[test]
fn envelope_rules_are_told() {
    let mut headers = HeaderMap::new();
    let mut checker = Checker::default();
    checker.remote_write_envelope(RemoteWrite::V1, &headers, b"\xff\x06\x00\x00sNaPpY");
    let broken: Vec<_> = checker
        .findings()
        .violations
        .iter()
        .map(|(rule, _)| rule)
        .collect();
    let all = [
        Rule::ContentType,
        Rule::ContentEncoding,
        Rule::VersionHeader,
        Rule::UserAgent,
        Rule::SnappyBlock,
    ];
    assert_eq!(broken, all);

    for (name, value) in [
        (
            "content-type",
            "application/x-protobuf; proto=io.prometheus.write.v2.Request",
        ),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "2.0.0"),
        ("user-agent", "gateway/1"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    assert_eq!(RemoteWrite::of(&headers), RemoteWrite::V2);
    let mut checker = Checker::default();
    checker.remote_write_envelope(RemoteWrite::V2, &headers, b"\x00");
    assert_eq!(checker.findings().violations, Violations::default());
}

#[test]
fn version_1_is_held_to_its_own_rules() {
    let label = |name: &str, value: &str| v1::Label {
        name: name.into(),
        value: value.into(),
    };
    let series = v1::TimeSeries {
        labels: vec![label("job", "api"), label("__name__", "up")],
        samples: vec![
            v1::Sample {
                value: 1.0,
                timestamp: 2,
            },
            v1::Sample {
                value: 1.0,
                timestamp: 1,
            },
        ],
        ..Default::default()
    };
    let mut checker = Checker::default();
    let request = v1::WriteRequest {
        timeseries: vec![series],
        ..Default::default()
    };
    checker.remote_write(RemoteWrite::V1, &request.encode_to_vec());
    let broken: Vec<_> = checker
        .findings()
        .violations
        .iter()
        .map(|(rule, _)| rule)
        .collect();
    assert_eq!(broken, [Rule::LabelsUnsorted, Rule::TimeOrder, Rule::OutOfOrder]);
}

#[test]
fn rules_have_distinct_texts() {
    let texts: std::collections::HashSet<_> = Rule::ALL.iter().map(|rule| rule.text()).collect();
    assert_eq!(texts.len(), Rule::ALL.len());
}
