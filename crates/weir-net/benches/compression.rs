//! What content codings cost per request of 1000 data points, at the door and towards a backend.
//!
//! `cargo bench -p weir-net`; divide by 1000 for the cost per point.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use weir_loadgen::workload::{Payload, Spec, lanes};
use weir_net::compression::{Encoder, Encoding};

/// Far above the size of a request.
const LIMIT: usize = 64 << 20;

fn codings(c: &mut Criterion) {
    for (name, payload) in [("mixed6", Payload::Mixed6), ("sums10", Payload::Sums10)] {
        let spec = Spec {
            payload,
            points: 1000,
            ..Spec::default()
        };
        let mut lanes = lanes(&spec, 1).expect("a valid workload");
        let request = lanes[0].next_request(1_700_000_000_000_000_000).as_request();
        let mut group = c.benchmark_group(name);
        for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Snappy] {
            let encoder = Encoder::new(encoding, 0);
            let mut encoded = Vec::new();
            encoder.encode(&request, &mut encoded).expect("fits");
            let body = Bytes::from(encoded);
            group.bench_function(format!("decode {encoding}"), |b| {
                b.iter(|| encoding.decode(black_box(body.clone()), LIMIT))
            });
            let mut out = Vec::new();
            group.bench_function(format!("encode {encoding}"), |b| {
                b.iter(|| encoder.encode(black_box(&request), &mut out))
            });
        }
        group.finish();
    }
}

criterion_group!(benches, codings);
criterion_main!(benches);
