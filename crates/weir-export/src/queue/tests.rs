use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use weir_component::{
    Batch, BuildContext, Code, ComponentKind, ConsumeError, Refusal, Retry, ShutdownError, Signal,
};
use weir_pdata::{Context, ContextParts, Metadata};
use weir_testkit::{Sink, batches};

use super::*;
use crate::{Closing, Delivery, ExporterMetrics, MergeLimits, SendingQueue};

mod model;

/// A delivery to a sink. The edge in front of it is played by the tests.
struct Bench {
    sink: Sink,
    delivery: Arc<Delivery>,
    context: BuildContext,
}

fn bench(yaml: &str) -> Bench {
    let section: SendingQueue = serde_yaml::from_str(yaml).unwrap();
    let context = BuildContext::standalone(
        "test".parse().unwrap(),
        ComponentKind::Exporter,
        Some(Signal::Metrics),
    );
    let (sink, metrics) = (Sink::new(), ExporterMetrics::new(&context));
    let rules = Some(section.rules());
    let delivery = Delivery::new(&context, metrics, Closing::default(), rules, sink.consumer());
    delivery.start();
    Bench {
        sink,
        delivery: Arc::new(delivery),
        context,
    }
}

impl Bench {
    async fn send(&self, items: usize) -> Result<(), ConsumeError> {
        self.delivery.consume(batches::gauge("g", items)).await
    }

    /// Sends from a task of its own, after those that were begun before.
    async fn begin(&self, calls: &mut JoinSet<Result<(), ConsumeError>>, items: usize) {
        let delivery = Arc::clone(&self.delivery);
        calls.spawn(async move { delivery.consume(batches::gauge("g", items)).await });
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }

    async fn shutdown(&self) -> Result<(), ShutdownError> {
        let deadline = Instant::now().into_std() + Duration::from_secs(5);
        self.delivery.shutdown(deadline).await
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

fn of_tenant(tenant: &str, metadata: &[(&str, &str)]) -> Context {
    let metadata: Metadata = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]))
        .collect();
    Context::new(ContextParts {
        tenant: Some(tenant.to_owned()),
        metadata,
        ..ContextParts::default()
    })
}

// === size ===

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_in_its_unit() {
    let bench = bench("{sizer: items, queue_size: 10, num_consumers: 1}");
    bench.sink.hold();
    bench.send(6).await.unwrap();
    let error = bench.send(5).await.unwrap_err();
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(1)));
    bench.send(4).await.unwrap();
    bench.assert_metric("otelcol_exporter_queue_size{exporter=\"test\",data_type=\"metrics\"} 10");
    bench.assert_metric("otelcol_exporter_queue_capacity{exporter=\"test\",data_type=\"metrics\"} 10");
    bench.sink.release();
    bench.sink.wait_for_items(10).await;
    bench.shutdown().await.unwrap();
    assert_eq!(
        bench.delivered(),
        [6, 4],
        "requests are not merged without `batch`"
    );
    bench.assert_metric("otelcol_exporter_queue_size{exporter=\"test\",data_type=\"metrics\"} 0");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_fits_is_refused_for_good() {
    for yaml in [
        "{sizer: bytes, queue_size: 64}",
        "{sizer: bytes, queue_size: 64, block_on_overflow: true}",
    ] {
        let bench = bench(yaml);
        let error = bench.send(100).await.unwrap_err();
        assert_eq!(
            (error.code(), error.retry()),
            (Code::ResourceExhausted, Retry::Never)
        );
        assert!(
            error
                .to_string()
                .contains("bytes is larger than the sending queue"),
            "{error}"
        );
        bench.assert_metric("otelcol_exporter_enqueue_failed_metric_points{exporter=\"test\"} 100");
    }
}

#[tokio::test(start_paused = true)]
async fn blocked_callers_wait_their_turn() {
    let bench = bench("{queue_size: 1, num_consumers: 1, block_on_overflow: true}");
    bench.sink.hold();
    let mut calls = JoinSet::new();
    for items in [1, 2, 3] {
        bench.begin(&mut calls, items).await;
    }
    assert_eq!(bench.books().1, 1, "two of them wait outside");
    bench.sink.release();
    for answer in calls.join_all().await {
        answer.unwrap();
    }
    bench.shutdown().await.unwrap();
    assert_eq!(bench.delivered(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn blocked_callers_are_released_when_the_component_stops() {
    let bench = bench("{queue_size: 1, num_consumers: 1, block_on_overflow: true}");
    bench.sink.hold();
    let mut calls = JoinSet::new();
    bench.begin(&mut calls, 1).await;
    bench.begin(&mut calls, 2).await;
    bench.shutdown().await.unwrap_err();
    let answers = calls.join_all().await;
    assert!(answers[0].is_ok());
    assert!(answers[1].as_ref().is_err_and(ConsumeError::is_retryable));
    assert_eq!(bench.books(), (0, 0, BTreeMap::from([("shutdown", 1)])));
}

// === result ===

#[tokio::test(start_paused = true)]
async fn callers_can_wait_for_the_result() {
    let bench = bench("{wait_for_result: true, num_consumers: 1}");
    let refusal = Refusal {
        reason: "partial_success",
        items: 3,
    };
    bench.sink.answer_next([
        Err(ConsumeError::unavailable("down")),
        Err(ConsumeError::permanent("no")),
        Err(ConsumeError::partial(vec![refusal], "3 refused")),
    ]);
    assert!(bench.send(1).await.unwrap_err().is_retryable());
    assert!(!bench.send(2).await.unwrap_err().is_retryable());
    assert_eq!(
        bench.books(),
        (0, 0, BTreeMap::new()),
        "the callers still have it"
    );
    let partial = bench.send(4).await.unwrap_err();
    assert_eq!(partial.refused_items(4), 3);
    bench.send(8).await.unwrap();
    assert_eq!(
        bench.books(),
        (1 + 8, 0, BTreeMap::from([("partial_success", 3)]))
    );
    bench.shutdown().await.unwrap();
    bench.assert_metric("otelcol_exporter_send_failed_metric_points{exporter=\"test\"} 6");
}

#[tokio::test(start_paused = true)]
async fn callers_of_a_batch_share_its_result() {
    let bench = bench("{wait_for_result: true, batch: {min_size: 4, flush_timeout: 1h}}");
    bench.sink.answer_next([Err(ConsumeError::unavailable("down"))]);
    let mut calls = JoinSet::new();
    bench.begin(&mut calls, 1).await;
    bench.begin(&mut calls, 3).await;
    let answers = calls.join_all().await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert_eq!(bench.sink.calls(), 1);
    assert_eq!(bench.books(), (0, 0, BTreeMap::new()));
}

#[tokio::test(start_paused = true)]
async fn what_was_delivered_of_a_refused_request_is_booked_as_repeated() {
    let bench = bench("{wait_for_result: true, num_consumers: 1, batch: {min_size: 1, max_size: 4}}");
    bench
        .sink
        .answer_next([Ok(()), Err(ConsumeError::unavailable("down")), Ok(())]);
    let error = bench.send(10).await.unwrap_err();
    assert!(error.is_retryable());
    bench.shutdown().await.unwrap();
    assert_eq!(bench.delivered(), [4, 2]);
    bench.assert_balanced_after_refusal(6);
}

#[tokio::test(start_paused = true)]
async fn the_queue_goes_on_without_a_caller_that_left() {
    let bench = bench("{wait_for_result: true, num_consumers: 1}");
    bench.sink.hold();
    let mut calls = JoinSet::new();
    bench.begin(&mut calls, 5).await;
    calls.shutdown().await;
    bench.sink.release();
    bench.sink.wait_for_items(5).await;
    bench.shutdown().await.unwrap();
    bench.assert_balanced_after_refusal(5);
}

impl Bench {
    /// The caller still owns everything, so all that was delivered will come again.
    #[track_caller]
    fn assert_balanced_after_refusal(&self, delivered: u64) {
        assert_eq!(self.books(), (delivered, 0, BTreeMap::new()));
        assert_eq!(self.context.book.repeated_items(), delivered);
    }
}

// === batches ===

#[tokio::test(start_paused = true)]
async fn a_batch_leaves_when_there_is_enough_of_it() {
    let bench = bench("{batch: {min_size: 10, flush_timeout: 1h}}");
    for items in [4, 5, 3, 9] {
        bench.send(items).await.unwrap();
    }
    bench.sink.wait_for_items(12).await;
    assert_eq!(bench.delivered(), [4 + 5 + 3]);
    bench.shutdown().await.unwrap();
    assert_eq!(bench.delivered(), [12, 9], "the rest leaves at the end");
}

#[tokio::test(start_paused = true)]
async fn a_batch_leaves_when_its_oldest_request_has_waited_long_enough() {
    let bench = bench("{batch: {flush_timeout: 200ms}}");
    let start = Instant::now();
    bench.send(1).await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    bench.send(2).await.unwrap();
    bench.sink.wait_for_items(3).await;
    assert_eq!(start.elapsed(), Duration::from_millis(200));
    bench.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_batch_is_larger_than_allowed() {
    let bench = bench("{num_consumers: 1, batch: {min_size: 8, max_size: 10, flush_timeout: 1h}}");
    bench.sink.hold();
    for items in [8, 6, 6, 25, 1] {
        bench.send(items).await.unwrap();
    }
    bench.sink.release();
    bench.shutdown().await.unwrap();
    assert_eq!(bench.delivered(), [8, 6, 6, 10, 10, 5 + 1]);
    assert_eq!(bench.books(), (46, 0, BTreeMap::new()));
}

#[tokio::test(start_paused = true)]
async fn a_backlog_does_not_become_one_delivery() {
    let bench = bench("{num_consumers: 1, batch: {min_size: 4, flush_timeout: 1h}}");
    bench.sink.hold();
    for _ in 0..9 {
        bench.send(3).await.unwrap();
    }
    bench.sink.release();
    bench.shutdown().await.unwrap();
    assert_eq!(bench.delivered(), [6, 6, 6, 6, 3]);
}

#[tokio::test(start_paused = true)]
async fn what_must_not_mix_waits_apart() {
    let bench = bench(
        "{num_consumers: 1, batch: {min_size: 4, flush_timeout: 1h, partition: {metadata_keys: [X-Team]}}}",
    );
    bench.sink.hold();
    for (tenant, team, other, items) in [
        ("a", "red", "1", 1),
        ("b", "red", "1", 1),
        ("a", "blue", "1", 1),
        ("a", "red", "2", 3),
    ] {
        let context = of_tenant(tenant, &[("x-team", team), ("x-other", other)]);
        bench
            .delivery
            .consume(batches::gauge("g", items).with_context(context))
            .await
            .unwrap();
    }
    bench.sink.release();
    bench.sink.wait_for_items(4).await;
    assert_eq!(bench.delivered(), [4], "one partition has enough");
    bench.shutdown().await.unwrap();
    assert_eq!(bench.delivered(), [4, 1, 1]);
    let contexts: Vec<Context> = bench
        .sink
        .batches()
        .iter()
        .map(|batch| batch.context().clone())
        .collect();
    assert_eq!(
        contexts[0],
        of_tenant("a", &[("x-team", "red")]),
        "merging keeps what all have"
    );
    assert_eq!(contexts[1].tenant.as_deref(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn every_partition_has_its_own_time() {
    let bench = bench("{num_consumers: 2, batch: {flush_timeout: 100ms}}");
    let start = Instant::now();
    for tenant in ["a", "b", "c"] {
        bench
            .delivery
            .consume(batches::gauge("g", 1).with_context(of_tenant(tenant, &[])))
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    for number in 1..=3 {
        bench.sink.wait_for_calls(number).await;
        assert_eq!(
            start.elapsed(),
            Duration::from_millis(100 + 30 * (number as u64 - 1))
        );
    }
    bench.shutdown().await.unwrap();
}

#[tokio::test]
async fn many_senders_and_workers_lose_nothing() {
    for yaml in [
        "{num_consumers: 4, batch: {min_size: 64, max_size: 100, flush_timeout: 1ms}}",
        "{num_consumers: 4, sizer: items, queue_size: 50, block_on_overflow: true, wait_for_result: true,
          batch: {min_size: 10, flush_timeout: 1ms}}",
    ] {
        let bench = bench(yaml);
        let mut calls = JoinSet::new();
        for number in 0..300 {
            let (delivery, tenant) = (Arc::clone(&bench.delivery), format!("{}", number % 3));
            let batch = batches::gauge("g", 1 + number % 7).with_context(of_tenant(&tenant, &[]));
            calls.spawn(async move { delivery.consume(batch).await });
        }
        for answer in calls.join_all().await {
            answer.unwrap();
        }
        bench.shutdown().await.unwrap();
        let items: usize = (0..300).map(|number| 1 + number % 7).sum();
        assert_eq!(bench.books(), (items as u64, 0, BTreeMap::new()), "{yaml}");
        assert_eq!(bench.sink.items(), items);
    }
}

#[test]
fn the_in_order_queue_is_a_special_case() {
    let rules = QueueRules::from(QueueSettings {
        requests: NonZeroUsize::MIN,
        workers: NonZeroUsize::MIN,
        merge: MergeLimits::NONE,
    });
    assert_eq!((rules.size.get(), rules.sizer), (1, Sizer::Requests));
    assert!(!rules.block_on_overflow && !rules.wait_for_result);
}
