use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use weir_component::{Code, ComponentKind, Refusal, Retry, Signal};
use weir_pdata::{Context, ContextParts};
use weir_testkit::{Sink, batches};

use super::*;
use crate::{MergeLimits, QueueSettings};

/// A delivery to a sink.
struct Bench {
    sink: Sink,
    delivery: Delivery,
    context: BuildContext,
}

fn bench(queue: Option<QueueSettings>) -> Bench {
    let context = BuildContext::standalone(
        "test".parse().unwrap(),
        ComponentKind::Exporter,
        Some(Signal::Metrics),
    );
    let sink = Sink::new();
    let metrics = ExporterMetrics::new(&context);
    let delivery = Delivery::new(&context, metrics, Closing::default(), queue, sink.consumer());
    delivery.start();
    Bench {
        sink,
        delivery,
        context,
    }
}

fn queue(requests: usize) -> Option<QueueSettings> {
    let requests = NonZeroUsize::new(requests).unwrap();
    Some(QueueSettings {
        requests,
        workers: NonZeroUsize::MIN,
        merge: MergeLimits::default(),
    })
}

impl Bench {
    async fn send(&self, items: usize) -> Result<(), ConsumeError> {
        self.delivery.consume(batches::gauge("g", items)).await
    }

    async fn shutdown(&self, seconds: u64) -> Result<(), ShutdownError> {
        let now = tokio::time::Instant::now().into_std();
        self.delivery.shutdown(now + Duration::from_secs(seconds)).await
    }

    fn delivered(&self) -> Vec<usize> {
        self.sink.batches().iter().map(Batch::items).collect()
    }

    /// Items (delivered, held, dropped by reason).
    fn books(&self) -> (u64, i64, BTreeMap<&'static str, u64>) {
        let book = &self.context.book;
        (book.delivered_items(), book.held(), book.dropped_by_reason())
    }

    #[track_caller]
    fn assert_metric(&self, line: &str) {
        let text = self.context.metrics.render();
        assert!(text.lines().any(|other| other == line), "{line}\nnot in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_safe_once_it_is_in_the_queue() {
    let bench = bench(queue(10));
    bench.sink.hold();
    bench.send(3).await.unwrap();
    assert_eq!(bench.books(), (0, 3, BTreeMap::new()));
    bench.sink.wait_for_calls(1).await;
    bench.assert_metric("otelcol_exporter_in_flight_requests{exporter=\"test\",data_type=\"metrics\"} 1");
    bench.sink.release();
    bench.shutdown(5).await.unwrap();
    assert_eq!(bench.books(), (3, 0, BTreeMap::new()));
    bench.assert_metric("otelcol_exporter_sent_metric_points{exporter=\"test\"} 3");
    bench.assert_metric("otelcol_exporter_queue_size{exporter=\"test\",data_type=\"metrics\"} 0");
    bench.assert_metric("otelcol_exporter_queue_capacity{exporter=\"test\",data_type=\"metrics\"} 10");
    bench.assert_metric("otelcol_exporter_in_flight_requests{exporter=\"test\",data_type=\"metrics\"} 0");
}

#[tokio::test(start_paused = true)]
async fn batches_that_wait_are_merged_in_order() {
    let bench = bench(queue(10));
    bench.sink.hold();
    bench.send(1).await.unwrap();
    bench.sink.wait_for_calls(1).await;
    for items in 2..=4 {
        bench.send(items).await.unwrap();
    }
    bench.sink.release();
    bench.sink.wait_for_items(10).await;
    assert_eq!(bench.delivered(), [1, 2 + 3 + 4]);
    bench.shutdown(1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn merging_keeps_to_its_limits() {
    let merge = MergeLimits {
        items: NonZeroUsize::new(5).unwrap(),
        ..MergeLimits::default()
    };
    let bench = bench(queue(10).map(|queue| QueueSettings { merge, ..queue }));
    bench.sink.hold();
    for items in [1, 3, 2, 2, 9, 1] {
        bench.send(items).await.unwrap();
    }
    bench.sink.release();
    bench.shutdown(1).await.unwrap();
    assert_eq!(bench.delivered(), [1 + 3, 2 + 2, 9, 1]);
}

#[tokio::test(start_paused = true)]
async fn tenants_are_not_merged() {
    let bench = bench(queue(10));
    bench.sink.hold();
    for tenant in ["a", "a", "b", "a"] {
        let context = Context::new(ContextParts {
            tenant: Some(tenant.to_owned()),
            ..ContextParts::default()
        });
        bench
            .delivery
            .consume(batches::gauge("g", 1).with_context(context))
            .await
            .unwrap();
    }
    bench.sink.release();
    bench.shutdown(1).await.unwrap();
    assert_eq!(bench.delivered(), [2, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_and_the_sender_may_retry() {
    let bench = bench(queue(2));
    bench.sink.hold();
    bench.send(1).await.unwrap();
    bench.sink.wait_for_calls(1).await;
    bench.send(1).await.unwrap();
    let error = bench.send(7).await.unwrap_err();
    assert_eq!(
        (error.code(), error.retry()),
        (Code::Unavailable, Retry::After(Duration::from_secs(1)))
    );
    bench.assert_metric("otelcol_exporter_enqueue_failed_metric_points{exporter=\"test\"} 7");
    assert_eq!(
        bench.books(),
        (0, 2, BTreeMap::new()),
        "a refused batch is not ours"
    );
    bench.sink.release();
    bench.sink.wait_for_items(2).await;
    bench.shutdown(1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_delivered_is_counted_by_reason() {
    let bench = bench(queue(10).map(|queue| QueueSettings {
        merge: MergeLimits::NONE,
        ..queue
    }));
    let too_old = Refusal {
        reason: "too_old",
        items: 2,
    };
    bench.sink.answer_next([
        Err(ConsumeError::unavailable("down")),
        Err(ConsumeError::permanent("no")),
        Err(ConsumeError::partial(vec![too_old], "2 are too old")),
        Err(ConsumeError::partial(
            vec![Refusal {
                reason: "lies",
                items: 99,
            }],
            "more than there are",
        )),
    ]);
    for items in [1, 2, 4, 8, 16] {
        bench.send(items).await.unwrap();
    }
    bench.shutdown(1).await.unwrap();
    let dropped = BTreeMap::from([
        ("retries_exhausted", 1),
        ("rejected", 2),
        ("too_old", 2),
        ("lies", 8),
    ]);
    assert_eq!(bench.books(), (2 + 16, 0, dropped));
    bench.assert_metric("otelcol_exporter_send_failed_metric_points{exporter=\"test\"} 13");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_in_time_is_dropped_and_counted() {
    let bench = bench(queue(10).map(|queue| QueueSettings {
        merge: MergeLimits::NONE,
        ..queue
    }));
    bench.sink.hold();
    for items in [1, 2, 4] {
        bench.send(items).await.unwrap();
    }
    let start = tokio::time::Instant::now();
    let error = bench.shutdown(5).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "7 items could not be delivered in time and were dropped"
    );
    assert_eq!(bench.books(), (0, 0, BTreeMap::from([("shutdown", 7)])));
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let late = bench.send(1).await.unwrap_err();
    assert!(late.is_retryable());
    assert_eq!(bench.books(), (0, 0, BTreeMap::from([("shutdown", 7)])));
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_the_caller_gets_the_verdict() {
    let bench = bench(None);
    bench.sink.answer_next([
        Err(ConsumeError::unavailable("down")),
        Err(ConsumeError::partial(
            vec![Refusal {
                reason: "too_old",
                items: 1,
            }],
            "1 is too old",
        )),
    ]);
    assert!(bench.send(1).await.unwrap_err().is_retryable());
    assert_eq!(bench.books(), (0, 0, BTreeMap::new()), "the caller still has it");
    assert!(bench.send(2).await.unwrap_err().is_partial());
    bench.send(4).await.unwrap();
    assert_eq!(bench.books(), (1 + 4, 0, BTreeMap::from([("too_old", 1)])));
    bench.shutdown(1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_leaves_out_is_dropped_and_no_failure() {
    let partial = |reasons: &[&'static str]| {
        let refusals = reasons.iter().map(|reason| Refusal { reason, items: 1 });
        Err(ConsumeError::partial(refusals.collect(), "not sent"))
    };
    for queue in [None, queue(10)] {
        let waits = queue.is_none();
        let bench = bench(queue.map(|queue| QueueSettings {
            merge: MergeLimits::NONE,
            ..queue
        }));
        bench
            .sink
            .answer_next([partial(&["relabel"]), partial(&["relabel", "too_old"])]);
        bench.send(3).await.unwrap();
        assert_eq!(bench.send(5).await.is_err(), waits);
        bench.shutdown(1).await.unwrap();
        let dropped = BTreeMap::from([("relabel", 2), ("too_old", 1)]);
        assert_eq!(bench.books(), (2 + 3, 0, dropped));
        bench.assert_metric("otelcol_exporter_sent_metric_points{exporter=\"test\"} 5");
        bench.assert_metric("otelcol_exporter_send_failed_metric_points{exporter=\"test\"} 1");
    }
}

#[tokio::test]
async fn many_senders_and_workers_lose_nothing() {
    let workers = NonZeroUsize::new(4).unwrap();
    let bench = bench(queue(1000).map(|queue| QueueSettings { workers, ..queue }));
    let sends = (0..500).map(|_| bench.delivery.consume(batches::gauge("g", 2)));
    for send in sends {
        send.await.unwrap();
        tokio::task::yield_now().await;
    }
    bench.shutdown(5).await.unwrap();
    assert_eq!(bench.books(), (1000, 0, BTreeMap::new()));
    assert_eq!(bench.sink.items(), 1000);
}
