//! What comes out for what goes in.

use std::time::Duration;

use bytes::Bytes;
use weir_component::{Batch, ConsumeError, Context, Signal};
use weir_pdata::{ContextParts, Payload};
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;
use weir_proto::otlp::metrics::v1::{NumberDataPoint, Sum};
use weir_testkit::batches;

use crate::support::{FUTURE, SECOND, attributes, bench, deltas, metrics, of_data, refusals, sum, totals};

#[tokio::test]
async fn totals_become_what_came_since() {
    let (bench, sink) = bench("");
    bench.start().await;
    let at = |stream, time, value| (stream, FUTURE, FUTURE + time, value);
    bench.send(totals(&[at(1, 10, 5), at(2, 10, 7)])).await.unwrap();
    bench.send(totals(&[at(2, 20, 7), at(1, 20, 9)])).await.unwrap();
    bench.send(totals(&[at(1, 30, 10), at(1, 40, 12)])).await.unwrap();
    let delta = |stream, start, time, value| (stream, FUTURE + start, FUTURE + time, value);
    let expected = [
        delta(1, 0, 10, 5),
        delta(2, 0, 10, 7),
        delta(2, 10, 20, 0),
        delta(1, 10, 20, 4),
        delta(1, 20, 30, 1),
        delta(1, 30, 40, 2),
    ];
    assert_eq!(deltas(&sink.batches()), expected);
    assert!(
        matches!(sink.batches()[0].payload(), Payload::Wire(_)),
        "nothing was decoded"
    );
    bench.stop().await;
}

#[tokio::test]
async fn points_are_counted_as_those_of_other_processors() {
    let (bench, _sink) = bench("");
    bench.start().await;
    bench
        .send(totals(&[(1, 0, 10, 5), (2, 0, 10, 7), (1, 0, 20, 6)]))
        .await
        .unwrap();
    let rendered = bench.context.metrics.render();
    for (name, items) in [("incoming", 3), ("outgoing", 1)] {
        let name = format!("otelcol_processor_{name}_items");
        let line = rendered.lines().find(|line| line.starts_with(&name));
        assert!(line.unwrap().ends_with(&format!(" {items}")), "{rendered}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_first_point_goes_on_if_it_covers_nothing_from_before_the_processor() {
    let firsts = [
        (1, FUTURE, FUTURE + 10, 5),
        (2, FUTURE, FUTURE, 5),
        (3, 0, FUTURE, 5),
        (4, 1000, FUTURE, 5),
    ];
    let expected: [(&str, &[u32]); 3] = [
        ("", &[1]),
        ("initial_value: keep", &[1, 2, 3, 4]),
        ("initial_value: drop", &[]),
    ];
    for (yaml, streams) in expected {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        bench.send(totals(&firsts)).await.unwrap();
        let came: Vec<u32> = deltas(&sink.batches()).iter().map(|point| point.0).collect();
        assert_eq!(came, streams, "{yaml}");
        assert_eq!(bench.dropped("initial"), 4 - streams.len() as u64);
        // The next one is compared in any case.
        bench.send(totals(&[(4, 1000, FUTURE + 1, 8)])).await.unwrap();
        let last = deltas(&sink.batches()).pop();
        assert_eq!(last, Some((4, FUTURE, FUTURE + 1, 3)), "{yaml}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_counter_that_begins_anew_is_dropped_once() {
    let (bench, sink) = bench("");
    bench.start().await;
    for (time, value) in [(1, 10), (2, 4), (3, 6)] {
        bench.send(totals(&[(1, 0, time, value)])).await.unwrap();
    }
    assert_eq!(deltas(&sink.batches()), [(1, 2, 3, 2)]);
    assert_eq!((bench.dropped("initial"), bench.dropped("reset")), (1, 1));
    bench.stop().await;
}

#[tokio::test]
async fn a_counter_that_says_that_it_began_anew_loses_nothing() {
    let (bench, sink) = bench("");
    bench.start().await;
    let at = |start, time, value| totals(&[(1, FUTURE + start, FUTURE + time, value)]);
    // Two senders of one stream, and one of them begins anew.
    for batch in [
        at(0, 10, 5),
        at(3, 11, 2),
        at(0, 20, 6),
        at(13, 21, 1),
        at(0, 30, 7),
    ] {
        bench.send(batch).await.unwrap();
    }
    let values: Vec<i64> = deltas(&sink.batches()).iter().map(|point| point.3).collect();
    assert_eq!(values, [5, 2, 1, 1, 1]);
    bench.stop().await;
}

#[tokio::test]
async fn what_is_not_meant_passes_untouched() {
    let yaml = "{include: {metrics: [^req], match_type: regexp, metric_types: [Sum]}, exclude: {metrics: [reqs], match_type: strict}}";
    let (bench, sink) = bench(yaml);
    bench.start().await;
    let points = [(1, 1, 2, 3)];
    let sent = [
        batches::gauge("requests", 3),
        sum("requests", 1, true, &points),
        sum("requests", 2, false, &points),
        sum("other", 2, true, &points),
        sum("reqs", 2, true, &points),
        batches::metrics().histogram("requests", &[1.0], &[1, 2]).wire(),
        batches::metrics().summary("requests", &[(0.5, 1.0)]).wire(),
        Batch::from_wire(Signal::Metrics, Bytes::new()).unwrap(),
    ];
    for batch in &sent {
        bench.send(batch.clone()).await.unwrap();
    }
    assert_eq!(sink.calls(), sent.len());
    for (sent, came) in sent.iter().zip(sink.batches()) {
        assert_eq!(sent.to_wire().concat(), came.to_wire().concat());
    }
    bench.send(totals(&points)).await.unwrap();
    assert_eq!((sink.calls(), bench.dropped("initial")), (sent.len(), 1));
    bench.stop().await;
}

#[tokio::test]
async fn a_batch_that_is_refused_leaves_no_gap() {
    for error in [
        ConsumeError::unavailable("not now"),
        ConsumeError::permanent("never"),
    ] {
        let (bench, sink) = bench("");
        bench.start().await;
        bench.send(totals(&[(1, 0, 1, 5)])).await.unwrap();
        let both = || totals(&[(1, 0, 2, 7), (1, 0, 3, 8), (2, FUTURE, FUTURE + 1, 9)]);
        sink.answer_next([Err(error)]);
        bench.send(both()).await.unwrap_err();
        bench.send(both()).await.unwrap();
        let expected = [(1, 1, 2, 2), (1, 2, 3, 1), (2, FUTURE, FUTURE + 1, 9)];
        assert_eq!(deltas(&sink.batches()), expected);
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_batch_whose_caller_goes_away_leaves_no_gap() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(totals(&[(1, 0, 1, 5)])).await.unwrap();
    sink.hold();
    let mut sending = Box::pin(bench.send(totals(&[(1, 0, 2, 7)])));
    assert!(
        tokio::time::timeout(Duration::ZERO, &mut sending).await.is_err(),
        "the sink holds it"
    );
    drop(sending);
    sink.release();
    bench.send(totals(&[(1, 0, 3, 8)])).await.unwrap();
    assert_eq!(deltas(&sink.batches()).last(), Some(&(1, 1, 3, 3)));
    bench.stop().await;
}

#[tokio::test]
async fn late_points_are_refused_and_spoil_nothing() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(totals(&[(1, 0, 10, 5)])).await.unwrap();
    let answer = bench
        .send(totals(&[(1, 0, 9, 4), (1, 0, 10, 5), (1, 0, 11, 6)]))
        .await;
    assert_eq!(refusals(answer), [("out_of_order", 2)]);
    assert_eq!(deltas(&sink.batches()), [(1, 10, 11, 1)]);
    let rendered = bench.context.metrics.render();
    let late = rendered
        .lines()
        .find(|line| line.contains("metric_type=\"sum\",reason=\"out_of_order\""));
    assert!(late.unwrap().ends_with(" 2"), "{rendered}");
    bench.stop().await;
}

#[tokio::test]
async fn refusals_of_the_next_step_are_told_with_our_own() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(totals(&[(1, 0, 10, 5)])).await.unwrap();
    let refusal = weir_component::Refusal {
        reason: "too_old",
        items: 1,
    };
    sink.answer_next([Err(ConsumeError::partial(vec![refusal], "one is too old"))]);
    let answer = bench.send(totals(&[(1, 0, 9, 4), (1, 0, 11, 6)])).await;
    assert_eq!(refusals(answer), [("too_old", 1), ("out_of_order", 1)]);
    bench.stop().await;
}

#[tokio::test]
async fn what_no_total_can_say_is_refused_and_nothing_recorded_is_dropped() {
    let (bench, _) = bench("");
    bench.start().await;
    let number = |value, flags| {
        let point = NumberDataPoint {
            attributes: attributes(1),
            time_unix_nano: 5 * SECOND,
            value,
            flags,
            ..NumberDataPoint::default()
        };
        let sum = Sum {
            data_points: vec![point],
            aggregation_temporality: 2,
            is_monotonic: true,
        };
        of_data("requests", Data::Sum(sum))
    };
    for value in [
        None,
        Some(Value::AsDouble(f64::NAN)),
        Some(Value::AsDouble(f64::INFINITY)),
    ] {
        assert_eq!(refusals(bench.send(number(value, 0)).await), [("invalid", 1)]);
    }
    bench.send(number(None, 1)).await.unwrap();
    assert_eq!(bench.dropped("no_recorded_value"), 1);
    bench.stop().await;
}

#[tokio::test]
async fn new_streams_are_refused_at_the_limit_and_known_ones_go_on() {
    for yaml in ["max_streams: 2", "max_bytes: 150"] {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        bench.send(totals(&[(1, 0, 1, 5), (2, 0, 1, 5)])).await.unwrap();
        let answer = bench
            .send(totals(&[(3, 0, 2, 5), (1, 0, 2, 6), (2, 0, 2, 7)]))
            .await;
        assert_eq!(refusals(answer), [("limit", 1)], "{yaml}");
        assert_eq!(deltas(&sink.batches()), [(1, 1, 2, 1), (2, 1, 2, 2)]);
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_forgotten() {
    for (yaml, forgotten) in [("max_staleness: 10s", true), ("max_staleness: 0s", false)] {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        bench.send(totals(&[(1, 0, 1, 5)])).await.unwrap();
        tokio::time::advance(Duration::from_secs(9)).await;
        bench.send(totals(&[(1, 0, 2, 6)])).await.unwrap();
        tokio::time::sleep(Duration::from_secs(14)).await;
        bench.send(totals(&[(1, 0, 3, 7)])).await.unwrap();
        assert_eq!(
            deltas(&sink.batches()).len(),
            2 - usize::from(forgotten),
            "{yaml}"
        );
        bench.stop().await;
    }
}

#[tokio::test]
async fn tenants_have_streams_of_their_own() {
    let (bench, _) = bench("");
    bench.start().await;
    for tenant in ["a", "b"] {
        let parts = ContextParts {
            tenant: Some(tenant.to_owned()),
            ..ContextParts::default()
        };
        let batch = totals(&[(1, 0, 2, 5)]).with_context(Context::new(parts));
        bench.send(batch).await.unwrap();
    }
    assert_eq!(bench.dropped("initial"), 2);
    bench.stop().await;
}

#[tokio::test]
async fn decoded_batches_are_compared_with_wire_batches() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(totals(&[(1, 0, 2, 5)])).await.unwrap();
    let decoded = totals(&[(1, 0, 3, 6)]).to_decoded().unwrap();
    bench.send(Batch::from_decoded(decoded)).await.unwrap();
    assert_eq!(deltas(&sink.batches()), [(1, 2, 3, 1)]);
    assert_eq!(metrics(&sink.batches()).len(), 1);
    bench.stop().await;
}
