//! CPU per OTLP data point of the translation into compressed requests, without network.
//!
//! Criterion's time per element is the time per point; a histogram of 12 buckets counts as one, though it makes 14
//! series.

mod workload;

use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use prost::Message;
use weir_pdata::{Batch, Decoded, Signal};
use weir_prom::{Output, Protocol, Translator};
use workload::{MIXES, POINTS_PER_REQUEST, request_of, settings};

/// Runs `work` and returns the CPU time of this thread, which does not depend on who else uses the machine; where
/// the system does not tell it, the time that passed.
fn cpu(times: u64, mut work: impl FnMut()) -> Duration {
    let spent = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    let (before, clock) = (spent(), Instant::now());
    for _ in 0..times {
        work();
    }
    match (before, spent()) {
        (Some(before), Some(after)) => after - before,
        _ => clock.elapsed(),
    }
}

fn translate(c: &mut Criterion) {
    for mix in MIXES {
        let request = request_of(mix).expect("a known mix");
        let mut group = c.benchmark_group(mix);
        group.throughput(Throughput::Elements(POINTS_PER_REQUEST as u64));
        // The system counts CPU time in ticks of a few milliseconds: few long samples are more exact.
        group
            .sample_size(20)
            .sampling_mode(SamplingMode::Flat)
            .measurement_time(Duration::from_secs(3));
        let wire =
            Batch::from_wire(Signal::Metrics, Bytes::from(request.encode_to_vec())).expect("valid OTLP");
        let decoded = Batch::from_decoded(Decoded::Metrics(request));
        for (name, protocol, batch) in [
            ("v1/wire", Protocol::V1, &wire),
            ("v2/wire", Protocol::V2, &wire),
            ("v2/decoded", Protocol::V2, &decoded),
        ] {
            let mut translator = Translator::new(settings(), protocol).expect("valid settings");
            let mut out = Output::default();
            group.bench_function(name, |b| {
                b.iter_custom(|n| cpu(n, || translator.translate(batch, &mut out)))
            });
        }
        group.finish();
    }
}

criterion_group!(benches, translate);
criterion_main!(benches);
