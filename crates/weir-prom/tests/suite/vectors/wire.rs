//! Vectors of order, identity and bytes.

use prost::Message;
use weir_prom::hash::series_hash;
use weir_prom::{Compressor, Protocol, Settings};
use weir_proto::otlp::metrics::v1::NumberDataPoint;
use weir_proto::prometheus::{v1, v2};

use super::file::{Vector, each};
use super::points::hex;
use crate::support::decode::{decode_v2, message, metadata_v1};
use crate::support::otlp::*;
use crate::support::{BOTH, point_series, translate, wire};

#[test]
fn ordering() {
    each("ordering", |v| {
        if v.has("labels") {
            check_hash(v)
        } else {
            check_order(v)
        }
    });
}

fn check_hash(v: Vector) {
    let labels = v.labels("labels");
    let names: Vec<&str> = labels.iter().map(|(name, _)| name.as_str()).collect();
    let want: Vec<&str> = v
        .list("want_sorted")
        .iter()
        .map(|n| n.value().as_str().unwrap())
        .collect();
    assert_eq!(names, want);
    let hash = series_hash(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    assert_eq!(format!("{hash:#018x}"), v.text("xxh64"));
}

fn check_order(v: Vector) {
    let pair = |s: &Vector| (s.value()[0].as_i64().unwrap(), s.value()[1].as_f64().unwrap());
    let (sent, want) = (v.list("samples_in"), v.list("want"));
    let point = |(time, value): (i64, f64)| number(&[], value, u64::try_from(time).unwrap());
    let points: Vec<_> = sent.iter().map(pair).map(point).collect();
    let want: Vec<_> = want.iter().map(pair).map(|(t, x)| (x.to_bits(), t, 0)).collect();
    // Within one metric, and spread over resources.
    let together = request(vec![metric("m", "", gauge(points.clone()))]);
    let mut apart = request(Vec::new());
    for point in points {
        apart
            .resource_metrics
            .extend(request(vec![metric("m", "", gauge(vec![point]))]).resource_metrics);
    }
    for (protocol, request) in BOTH.into_iter().flat_map(|p| [(p, &together), (p, &apart)]) {
        let got = point_series(&Settings::default(), protocol, request);
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].samples, want);
    }
}

#[test]
fn wire_bytes() {
    each("wire", |v| {
        let bytes = hex(v.text("hex"));
        match v.id() {
            "wi-01" | "wi-02" | "wi-03" => {
                let sent = v1::WriteRequest::decode(&*bytes).unwrap();
                let sample = sent.timeseries[0].samples[0];
                let mut point = number(&[], sample.value, u64::try_from(sample.timestamp).unwrap());
                if sample.value.to_bits() == weir_prom::stale::STALE_NAN {
                    point = NumberDataPoint {
                        flags: 1,
                        value: None,
                        ..point
                    };
                }
                let request = request(vec![metric("up", "", gauge(vec![point]))]);
                let out = translate(&Settings::default(), Protocol::V1, &wire(&request));
                assert_eq!(message(&out.requests[0]), bytes);
            }
            "wi-04" => {
                let mut m = metric("http_requests", "s", counter(vec![number(&[], 1.0, 1)]));
                m.description = "h".to_owned();
                let settings = Settings {
                    send_metadata: true,
                    ..Settings::default()
                };
                let out = translate(&settings, Protocol::V1, &wire(&request(vec![m])));
                let mut got = metadata_v1(&out.requests[0]).remove(0);
                // The vector has the name before suffixes.
                assert_eq!(got.metric_family_name, "http_requests_seconds_total");
                got.metric_family_name = "http_requests".to_owned();
                let request = v1::WriteRequest {
                    metadata: vec![got],
                    ..v1::WriteRequest::default()
                };
                assert_eq!(request.encode_to_vec(), bytes);
            }
            "wi-05" => {
                let mut m = metric("up", "", gauge(vec![number(&[], 1.0, 1000)]));
                m.description = "Help".to_owned();
                let mut request = request(Vec::new());
                request.resource_metrics = vec![resource_metrics(
                    attributes(&[("service.name", "a")]),
                    None,
                    vec![m],
                )];
                let out = translate(&Settings::default(), Protocol::V2, &wire(&request));
                // A gauge has no start time; the vector has one to show the field.
                let mut want = decode_v2(&bytes);
                want[0].samples[0].2 = 0;
                assert_eq!(decode_v2(&message(&out.requests[0])), want);
            }
            "wi-08" => {
                let message = v2::Histogram::decode(&*bytes).unwrap();
                assert_eq!(message.count, Some(v2::histogram::Count::CountInt(0)));
                assert_eq!(message.encode_to_vec(), bytes);
            }
            _ => {}
        }
        if v.has("snappy_block") {
            let mut compressor = Compressor::new();
            let packed = compressor.compress(&bytes).unwrap();
            let unpacked = |packed: &[u8]| snap::raw::Decoder::new().decompress_vec(packed).unwrap();
            assert_eq!(unpacked(packed), bytes);
            assert_eq!(unpacked(&hex(v.text("snappy_block"))), bytes);
        }
    });
}
