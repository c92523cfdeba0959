//! Requests to series, with the rules that every request must keep.

use std::collections::HashSet;

use prost::Message;
use weir_prom::outcome::Counts;
use weir_prom::{EncodedRequest, Protocol};
use weir_proto::prometheus::{v1, v2};

/// A series of either protocol.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) labels: Vec<(String, String)>,
    /// Bits, time, start time.
    pub(crate) samples: Vec<(u64, i64, i64)>,
    pub(crate) histograms: Vec<v2::Histogram>,
    pub(crate) exemplars: Vec<Exemplar>,
    pub(crate) metadata: Option<Metadata>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
    pub(crate) time: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Metadata {
    pub(crate) kind: i32,
    pub(crate) help: String,
    pub(crate) unit: String,
}

impl Series {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn name(&self) -> &str {
        self.label("__name__").unwrap()
    }
}

/// Decodes a request and asserts the wire rules and the request's own counts.
pub(crate) fn decode(request: &EncodedRequest) -> Vec<Series> {
    let message = message(request);
    let series = match request.protocol {
        Protocol::V1 => decode_v1(&message),
        Protocol::V2 => decode_v2(&message),
    };
    let metadata = if request.protocol == Protocol::V1 {
        metadata_v1(request).len()
    } else {
        0
    };
    assert_eq!(metadata as u64, request.metadata);
    assert!(!series.is_empty(), "empty request");
    let mut counts = Counts::default();
    for one in &series {
        assert_rules(one, request.protocol);
        counts.samples += one.samples.len() as u64;
        counts.histograms += one.histograms.len() as u64;
        counts.exemplars += one.exemplars.len() as u64;
    }
    assert_eq!(counts, request.counts);
    assert_eq!(series.len() as u64, request.series);
    series
}

pub(crate) fn metadata_v1(request: &EncodedRequest) -> Vec<v1::MetricMetadata> {
    v1::WriteRequest::decode(&*message(request)).unwrap().metadata
}

/// Returns the message before compression.
pub(crate) fn message(request: &EncodedRequest) -> Vec<u8> {
    let message = request.message().unwrap();
    assert_eq!(message.len(), request.length);
    message
}

fn decode_v1(bytes: &[u8]) -> Vec<Series> {
    let message = v1::WriteRequest::decode(bytes).unwrap();
    assert_eq!(
        message.encode_to_vec().len(),
        bytes.len(),
        "not the shortest encoding"
    );
    let pairs = |labels: Vec<v1::Label>| labels.into_iter().map(|l| (l.name, l.value)).collect::<Vec<_>>();
    let exemplar = |e: v1::Exemplar| Exemplar {
        labels: pairs(e.labels),
        value: e.value,
        time: e.timestamp,
    };
    message
        .timeseries
        .into_iter()
        .map(|s| Series {
            labels: pairs(s.labels),
            samples: s
                .samples
                .iter()
                .map(|s| (s.value.to_bits(), s.timestamp, 0))
                .collect(),
            // Both versions number the fields alike.
            histograms: s
                .histograms
                .iter()
                .map(|h| v2::Histogram::decode(&*h.encode_to_vec()).unwrap())
                .collect(),
            exemplars: s.exemplars.into_iter().map(exemplar).collect(),
            metadata: None,
        })
        .collect()
}

pub(crate) fn decode_v2(bytes: &[u8]) -> Vec<Series> {
    let message = v2::Request::decode(bytes).unwrap();
    assert_eq!(
        message.encode_to_vec().len(),
        bytes.len(),
        "not the shortest encoding"
    );
    assert_eq!(message.symbols[0], "");
    assert_eq!(
        message.symbols.iter().collect::<HashSet<_>>().len(),
        message.symbols.len(),
        "repeated symbol"
    );
    let mut used = HashSet::from([0u32]);
    let mut text = |reference: u32| {
        used.insert(reference);
        message.symbols[reference as usize].clone()
    };
    let mut pairs = |refs: &[u32]| {
        assert_eq!(refs.len() % 2, 0);
        refs.chunks(2)
            .map(|pair| (text(pair[0]), text(pair[1])))
            .collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for s in &message.timeseries {
        let labels = pairs(&s.labels_refs);
        let exemplars = s
            .exemplars
            .iter()
            .map(|e| Exemplar {
                labels: pairs(&e.labels_refs),
                value: e.value,
                time: e.timestamp,
            })
            .collect();
        let metadata = s.metadata.as_ref().map(|m| {
            let texts = pairs(&[m.help_ref, m.unit_ref]).remove(0);
            Metadata {
                kind: m.r#type,
                help: texts.0,
                unit: texts.1,
            }
        });
        all.push(Series {
            labels,
            samples: s
                .samples
                .iter()
                .map(|s| (s.value.to_bits(), s.timestamp, s.start_timestamp))
                .collect(),
            histograms: s.histograms.clone(),
            exemplars,
            metadata,
        });
    }
    assert_eq!(
        used.len(),
        message.symbols.len(),
        "a symbol that nothing refers to"
    );
    all
}

fn assert_rules(series: &Series, protocol: Protocol) {
    let names: Vec<&str> = series.labels.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.is_sorted_by(|a, b| a < b),
        "not sorted or not unique: {names:?}"
    );
    assert!(names.contains(&"__name__"), "{names:?}");
    assert!(
        series
            .labels
            .iter()
            .all(|(name, value)| !name.is_empty() && !value.is_empty()),
        "{series:?}"
    );
    assert!(
        series.samples.is_empty() != series.histograms.is_empty(),
        "{series:?}"
    );
    assert!(series.samples.is_sorted_by(|a, b| a.1 < b.1), "{series:?}");
    assert!(
        series.histograms.is_sorted_by(|a, b| a.timestamp < b.timestamp),
        "{series:?}"
    );
    assert!(series.exemplars.is_sorted_by_key(|e| e.time), "{series:?}");
    for (_, time, start) in &series.samples {
        assert!(start <= time);
    }
    for exemplar in &series.exemplars {
        let chars: usize = exemplar
            .labels
            .iter()
            .map(|(n, v)| n.chars().count() + v.chars().count())
            .sum();
        assert!(chars <= 128 && exemplar.time != 0, "{exemplar:?}");
        assert!(exemplar.labels.is_sorted_by(|a, b| a.0 < b.0));
    }
    for histogram in &series.histograms {
        assert_histogram(histogram);
        assert!(protocol == Protocol::V2 || (histogram.start_timestamp == 0 && histogram.schema != -53));
    }
}

/// The checks of a strict receiver.
fn assert_histogram(h: &v2::Histogram) {
    let Some(v2::histogram::Count::CountInt(count)) = h.count else {
        panic!("no count")
    };
    let Some(v2::histogram::ZeroCount::ZeroCountInt(zero)) = h.zero_count else {
        panic!("no zero count")
    };
    let mut total = zero;
    for (spans, deltas) in [
        (&h.positive_spans, &h.positive_deltas),
        (&h.negative_spans, &h.negative_deltas),
    ] {
        assert_eq!(
            spans.iter().map(|s| s.length as usize).sum::<usize>(),
            deltas.len()
        );
        assert!(spans.iter().skip(1).all(|s| s.offset > 2) && spans.iter().all(|s| s.length > 0));
        let mut bucket = 0i64;
        for delta in deltas {
            bucket += delta;
            total += u64::try_from(bucket).unwrap();
        }
    }
    assert!(total == count || (h.sum.is_nan() && total <= count));
    match h.schema {
        -4..=8 => assert!(h.custom_values.is_empty()),
        -53 => {
            assert!(
                h.custom_values.is_sorted_by(|a, b| a < b) && h.custom_values.iter().all(|b| b.is_finite())
            );
            assert!(zero == 0 && h.zero_threshold == 0.0 && h.negative_deltas.is_empty());
            let end: i64 = h
                .positive_spans
                .iter()
                .map(|s| i64::from(s.offset) + i64::from(s.length))
                .sum();
            assert!(end <= h.custom_values.len() as i64 + 1);
        }
        other => panic!("schema {other}"),
    }
}

/// Bucket index to count of one side.
pub(crate) fn buckets(spans: &[v2::BucketSpan], deltas: &[i64]) -> Vec<(i32, i64)> {
    let (mut index, mut count, mut deltas) = (0, 0, deltas.iter());
    let mut out = Vec::new();
    for span in spans {
        index += span.offset;
        for _ in 0..span.length {
            count += deltas.next().unwrap();
            out.push((index, count));
            index += 1;
        }
    }
    out.retain(|(_, count)| *count != 0);
    out
}
