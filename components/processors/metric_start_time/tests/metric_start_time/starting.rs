//! Start times that are written, values that are left as they are.

use std::time::Duration;

use weir_testkit::batches;

use crate::support::{began, bench, counting, resources, starts, sum, totals};

#[tokio::test]
async fn a_stream_begins_with_its_first_point_and_anew_when_it_falls() {
    let (bench, sink) = bench("");
    bench.start().await;
    bench.send(totals(&[(0, 10, 5), (0, 20, 7)])).await.unwrap();
    // Again, older than the stream, as it was, fallen, and on from there.
    bench
        .send(totals(&[
            (0, 20, 7),
            (0, 5, 1),
            (0, 30, 7),
            (0, 40, 2),
            (0, 50, 3),
        ]))
        .await
        .unwrap();
    assert_eq!(starts(&sink), [10_000, 10_000, 10_000, 0, 10_000, 39_999, 39_999]);
    bench.stop().await;
}

#[tokio::test]
async fn what_only_counts_begins_anew_when_its_count_falls() {
    let (bench, sink) = bench("");
    bench.start().await;
    for batch in [counting(10, 5), counting(20, 5), counting(30, 4)] {
        bench.send(batch).await.unwrap();
    }
    assert_eq!(starts(&sink), [[10_000; 3], [10_000; 3], [29_999; 3]].concat());
    bench.stop().await;
}

#[tokio::test]
async fn a_sum_that_may_fall_does_not_begin_anew() {
    let (bench, sink) = bench("");
    bench.start().await;
    let batch = resources(&[&[("level", sum(false, &[(0, 10, 5), (0, 20, 3)]))]]);
    bench.send(batch).await.unwrap();
    assert_eq!(starts(&sink), [10_000, 10_000]);
    bench.stop().await;
}

#[tokio::test]
async fn points_with_a_start_time_and_what_is_no_total_pass_untouched() {
    for yaml in ["", "strategy: start_time_metric"] {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        let sent = [
            totals(&[(7, 10, 5)]),
            batches::gauge("g", 3),
            batches::metrics().delta().counter("c", &[1.0]).wire(),
        ];
        for batch in &sent {
            bench.send(batch.clone()).await.unwrap();
        }
        for (sent, came) in sent.iter().zip(sink.batches()) {
            assert_eq!(sent.to_wire().concat(), came.to_wire().concat());
        }
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_metric_says_for_each_resource_when_its_process_began() {
    let cases = [
        ("strategy: start_time_metric", "process_start_time_seconds"),
        (
            "{strategy: start_time_metric, start_time_metric_regex: '_began$'}",
            "app_began",
        ),
    ];
    for (yaml, name) in cases {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        let at = |time, value| ("requests", sum(true, &[(0, time, value)]));
        let batch = |first: f64, time, value| {
            resources(&[
                &[at(time, value), began(name, first)],
                &[began(name, 2.5), at(time, value)],
            ])
        };
        bench.send(batch(1.5, 10, 5)).await.unwrap();
        // Both fell; of the first process it is known that it began anew.
        bench.send(batch(11.5, 20, 4)).await.unwrap();
        assert_eq!(starts(&sink), [1_500, 2_500, 11_500, 19_999], "{yaml}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn without_such_a_metric_a_stream_begins_with_the_processor() {
    let (bench, sink) = bench("strategy: start_time_metric");
    bench.start().await;
    // Long after, and long before, the processor began.
    bench.send(totals(&[(0, 10_000_000_000, 5)])).await.unwrap();
    bench
        .send(resources(&[&[("other", sum(true, &[(0, 10, 5)]))]]))
        .await
        .unwrap();
    let starts = starts(&sink);
    assert!(
        (1_700_000_000_000..10_000_000_000_000).contains(&starts[0]),
        "{starts:?}"
    );
    assert_eq!(starts[1], 10_000);
    bench.stop().await;
}

#[tokio::test]
async fn streams_beyond_the_limit_go_on_as_they_came() {
    for yaml in ["max_streams: 1", "max_bytes: 100"] {
        let (bench, sink) = bench(yaml);
        bench.start().await;
        let both = |time| {
            let sum = || sum(true, &[(0, time, 5)]);
            resources(&[&[("a", sum()), ("b", sum())]])
        };
        bench.send(both(10)).await.unwrap();
        bench.send(both(20)).await.unwrap();
        assert_eq!(starts(&sink), [10_000, 0, 10_000, 0], "{yaml}");
        let rendered = bench.context.metrics.render();
        let limited = rendered
            .lines()
            .find(|line| line.starts_with("weir_metric_start_time_limited_points_total{"));
        assert!(limited.unwrap().ends_with(" 2"), "{rendered}");
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_forgotten() {
    let (bench, sink) = bench("gc_interval: 10s");
    bench.start().await;
    bench.send(totals(&[(0, 10, 5)])).await.unwrap();
    tokio::time::advance(Duration::from_secs(8)).await;
    bench.send(totals(&[(0, 20, 5)])).await.unwrap();
    tokio::time::advance(Duration::from_secs(14)).await;
    bench.send(totals(&[(0, 30, 5)])).await.unwrap();
    assert_eq!(starts(&sink), [10_000, 10_000, 30_000]);
    bench.stop().await;
}
