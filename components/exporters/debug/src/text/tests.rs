use weir_pdata::{Batch, Decoded};
use weir_testkit::batches;

use super::{Counts, detailed, normal};

fn decoded(batch: &Batch) -> Decoded {
    batch.to_decoded().expect("decodes")
}

fn metrics() -> Decoded {
    batches::metrics()
        .at(1_700_000_000_123_456_789)
        .gauge("room.temperature", &[21.5, -3.0])
        .counter("http.requests", &[7.0])
        .histogram("http.duration", &[0.5, 1.0], &[1, 2, 3])
        .exponential_histogram("queue.wait", 1, &[4, 0, 2])
        .summary("rpc.latency", &[(0.5, 3.0), (0.99, 9.0)])
        .decoded()
}

#[test]
fn every_signal_has_its_counts() {
    let twice = |batch: Batch| {
        let mut twice = batch.clone();
        twice.append(batch).expect("of one signal");
        twice
    };
    let wire =
        |decoded: &Decoded| Batch::from_wire(decoded.signal(), decoded.to_bytes()).expect("well formed");
    let requests = [metrics(), decoded(&batches::spans(2)), decoded(&batches::logs(3))];
    let of_wire = requests
        .clone()
        .map(|request| Counts::of(&twice(wire(&request))).to_string());
    let of_messages = requests.map(|request| Counts::of(&twice(Batch::from_decoded(request))).to_string());
    assert_eq!(of_wire, of_messages);
    insta::assert_snapshot!(of_wire.join("\n"), @r"
    Metrics: resource metrics 2, metrics 10, data points 12
    Traces: resource spans 2, spans 4
    Logs: resource logs 2, log records 6
    ");
}

#[test]
fn normal_prints_a_line_per_record() {
    insta::assert_snapshot!("normal_metrics", normal(&metrics()));
    insta::assert_snapshot!("normal_traces", normal(&decoded(&batches::spans(2))));
    insta::assert_snapshot!("normal_logs", normal(&decoded(&batches::logs(2))));
}

#[test]
fn detailed_prints_every_field() {
    insta::assert_snapshot!("detailed_metrics", detailed(&metrics()));
    insta::assert_snapshot!("detailed_traces", detailed(&decoded(&batches::spans(1))));
    insta::assert_snapshot!("detailed_logs", detailed(&decoded(&batches::logs(1))));
}
