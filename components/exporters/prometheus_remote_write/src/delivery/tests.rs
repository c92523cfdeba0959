//! Deliveries through a sender that is a script, on paused time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tower::service_fn;
use weir_component::{BuildContext, Component as _, ComponentKind, Exporter as _, Host, Signal};
use weir_testkit::{batches, contract};

use super::*;
use crate::sender::{Push, Verdict};
use crate::{Config, FACTORY, PrometheusRemoteWrite};

/// What a script says to one attempt.
type Line = Result<Verdict, ConsumeError>;

/// An exporter and the attempts it made: when, and how many points.
struct Bench {
    exporter: PrometheusRemoteWrite,
    context: BuildContext,
    attempts: Arc<Mutex<Vec<(Duration, u64, Protocol)>>>,
}

/// Starts an exporter whose attempts take `latency` and are answered by `script`, and with success after its end.
fn bench(options: &str, latency: Duration, script: impl IntoIterator<Item = Line>) -> Bench {
    let config = contract::config(
        &FACTORY.meta,
        &format!("{{endpoint: 'http://h/', target_info: {{enabled: false}}, {options}}}"),
    );
    let id = "prometheus_remote_write".parse().unwrap();
    let context = BuildContext::standalone(id, ComponentKind::Exporter, Some(Signal::Metrics));
    let exporter = PrometheusRemoteWrite::build(config.downcast::<Config>().unwrap(), &context).unwrap();
    let script = Arc::new(Mutex::new(script.into_iter().collect::<VecDeque<_>>()));
    let attempts: Arc<Mutex<Vec<_>>> = Arc::default();
    let (start, seen) = (Instant::now(), Arc::clone(&attempts));
    let host = Host::default();
    exporter.begin(
        Sender::new(service_fn(move |push: Arc<Push>| {
            let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
            async move {
                seen.lock().unwrap_or_else(PoisonError::into_inner).push((
                    start.elapsed(),
                    push.request.points,
                    push.request.protocol,
                ));
                tokio::time::sleep(latency).await;
                script
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front()
                    .unwrap_or(Ok(Verdict::Delivered))
            }
        })),
        &host,
    );
    Bench {
        exporter,
        context,
        attempts,
    }
}

impl Bench {
    async fn shutdown(&self, time: Duration) -> Result<(), weir_component::ShutdownError> {
        self.exporter.shutdown(Instant::now().into_std() + time).await
    }

    fn attempts(&self) -> Vec<(Duration, u64, Protocol)> {
        self.attempts.lock().unwrap().clone()
    }

    #[track_caller]
    fn assert_books(&self, delivered: u64, dropped: &[(&'static str, u64)]) {
        let book = &self.context.book;
        let dropped = dropped.iter().copied().collect();
        assert_eq!(
            (book.delivered_items(), book.held(), book.dropped_by_reason()),
            (delivered, 0, dropped)
        );
    }
}

const MINUTE: Duration = Duration::from_secs(60);

fn down() -> Line {
    Err(ConsumeError::unavailable("down"))
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_ridden_out_without_loss_or_disorder() {
    let bench = bench("", Duration::from_millis(10), (0..20).map(|_| down()));
    for items in [1, 2, 3] {
        bench
            .exporter
            .export(batches::gauge(&format!("g{items}"), items))
            .await
            .unwrap();
    }
    bench.shutdown(10 * MINUTE).await.unwrap();
    bench.assert_books(6, &[]);
    let attempts = bench.attempts();
    assert_eq!(attempts.len(), 21);
    assert!(
        attempts.iter().all(|attempt| attempt.1 == 6),
        "the batches were merged before the first attempt: {attempts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_given_up_after_its_time_and_the_next_has_its_own() {
    let options = "retry_on_failure: {initial_interval: 10s, max_interval: 10s, max_elapsed_time: 60s, randomization_factor: 0}";
    let bench = bench(options, Duration::ZERO, (0..7).map(|_| down()));
    bench.exporter.export(batches::gauge("g", 5)).await.unwrap();
    tokio::time::sleep(2 * MINUTE).await;
    bench.assert_books(0, &[("retries_exhausted", 5)]);
    bench.exporter.export(batches::gauge("g", 7)).await.unwrap();
    bench.shutdown(MINUTE).await.unwrap();
    bench.assert_books(7, &[("retries_exhausted", 5)]);
}

#[tokio::test(start_paused = true)]
async fn the_receiver_may_ask_for_time() {
    let slow_down = ConsumeError::overloaded("slow down", Duration::from_secs(30));
    let bench = bench("", Duration::ZERO, [Err(slow_down)]);
    bench.exporter.export(batches::gauge("g", 1)).await.unwrap();
    bench.shutdown(MINUTE).await.unwrap();
    assert_eq!(bench.attempts()[1].0, Duration::from_secs(30));
    bench.assert_books(1, &[]);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded_one_by_one() {
    let bench = bench(
        "timeout: 1s, retry_on_failure: {initial_interval: 1s, randomization_factor: 0}",
        2 * MINUTE,
        [],
    );
    bench.exporter.export(batches::gauge("g", 1)).await.unwrap();
    bench.shutdown(Duration::from_secs(4)).await.unwrap_err();
    let at: Vec<u64> = bench
        .attempts()
        .iter()
        .map(|attempt| attempt.0.as_secs())
        .collect();
    assert_eq!(at, [0, 2]);
    bench.assert_books(0, &[("shutdown", 1)]);
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_only_what_is_left_is_lost() {
    // Four requests in one lane, 4 s each; the third is cut off.
    let bench = bench(
        "max_series_per_request: 10, remote_write_queue: {num_consumers: 1}, timeout: 0s",
        Duration::from_secs(4),
        [],
    );
    bench.exporter.export(batches::gauge("g", 40)).await.unwrap();
    let error = bench.shutdown(Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "20 items could not be delivered in time and were dropped"
    );
    bench.assert_books(20, &[("shutdown", 20)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_is_cut_until_it_fits() {
    let bench = bench("", Duration::ZERO, [Ok(Verdict::TooLarge), Ok(Verdict::TooLarge)]);
    bench.exporter.export(batches::gauge("g", 40)).await.unwrap();
    bench.shutdown(MINUTE).await.unwrap();
    assert_eq!(
        bench
            .attempts()
            .iter()
            .map(|attempt| attempt.1)
            .collect::<Vec<_>>(),
        [40, 20, 10, 10, 20]
    );
    bench.assert_books(40, &[]);
}

/// Somebody finds fault with all of a request.
fn rejected(points: u64) -> Line {
    Ok(Verdict::Rejected {
        reason: "bad_request",
        points,
        answer: "out of order".to_owned(),
    })
}

#[tokio::test(start_paused = true)]
async fn a_bad_point_is_found_and_lost_alone() {
    let script = [
        rejected(4),
        rejected(2),
        Ok(Verdict::Delivered),
        rejected(1),
        Ok(Verdict::Delivered),
    ];
    let bench = bench("", Duration::ZERO, script);
    bench.exporter.export(batches::gauge("g", 4)).await.unwrap();
    bench.shutdown(MINUTE).await.unwrap();
    let sizes: Vec<u64> = bench.attempts().iter().map(|attempt| attempt.1).collect();
    assert_eq!(sizes, [4, 2, 1, 1, 2]);
    bench.assert_books(3, &[("bad_request", 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_rejects_everything_is_not_asked_about_every_point() {
    // Halves of 256 points are answered in the order in which they are sent: depth first, down to single points.
    fn sizes(points: u64, cuts: &mut usize) -> Vec<u64> {
        if points == 1 || *cuts == 0 {
            return vec![points];
        }
        *cuts -= 1;
        [vec![points], sizes(points / 2, cuts), sizes(points / 2, cuts)].concat()
    }
    let expected = sizes(256, &mut 64);
    let bench = bench(
        "",
        Duration::ZERO,
        expected.iter().map(|points| rejected(*points)),
    );
    bench.exporter.export(batches::gauge("g", 256)).await.unwrap();
    bench.shutdown(MINUTE).await.unwrap();
    let asked: Vec<u64> = bench.attempts().iter().map(|attempt| attempt.1).collect();
    assert_eq!(asked, expected);
    assert_eq!(asked.len(), 1 + 2 * 64);
    bench.assert_books(0, &[("bad_request", 256)]);
}

#[tokio::test(start_paused = true)]
async fn one_point_that_is_too_large_is_lost_alone() {
    let bench = bench("", Duration::ZERO, [Ok(Verdict::TooLarge), Ok(Verdict::TooLarge)]);
    bench.exporter.export(batches::gauge("g", 2)).await.unwrap();
    bench.shutdown(MINUTE).await.unwrap();
    bench.assert_books(1, &[("too_large", 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_of_the_old_protocol_gets_it_for_an_hour() {
    let wrong = || Ok(Verdict::WrongProtocol);
    let bench = bench(
        "protobuf_message: io.prometheus.write.v2.Request",
        Duration::ZERO,
        [wrong()],
    );
    for wait in [
        Duration::ZERO,
        Duration::from_secs(3500),
        Duration::from_secs(200),
    ] {
        tokio::time::sleep(wait).await;
        bench.exporter.export(batches::gauge("g", 3)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    bench.shutdown(MINUTE).await.unwrap();
    let protocols: Vec<Protocol> = bench.attempts().iter().map(|attempt| attempt.2).collect();
    assert_eq!(
        protocols,
        [Protocol::V2, Protocol::V1, Protocol::V1, Protocol::V2]
    );
    bench.assert_books(9, &[]);
}

#[tokio::test(start_paused = true)]
async fn without_a_fallback_an_unknown_protocol_is_a_loss() {
    let v2 = "protobuf_message: io.prometheus.write.v2.Request";
    for options in [
        String::new(),
        format!("{v2}, protobuf_message_fallback: false"),
        format!("{v2}, translation_strategy: NoTranslation"),
    ] {
        let bench = bench(&options, Duration::ZERO, [Ok(Verdict::WrongProtocol)]);
        bench.exporter.export(batches::gauge("g", 3)).await.unwrap();
        bench.shutdown(MINUTE).await.unwrap();
        bench.assert_books(0, &[("unknown_protocol", 3)]);
        assert_eq!(bench.attempts().len(), 1, "{options}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_translated_is_counted_and_the_rest_goes_on() {
    let bench = bench("", Duration::ZERO, []);
    let batch = batches::metrics()
        .gauge("g", &[1.0, 2.0])
        .delta()
        .counter("c", &[1.0, 2.0, 3.0])
        .wire();
    bench.exporter.export(batch).await.unwrap();
    bench.shutdown(MINUTE).await.unwrap();
    bench.assert_books(2, &[("delta_temporality", 3)]);
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_the_sender_keeps_what_failed() {
    let options = "remote_write_queue: {enabled: false}, retry_on_failure: {enabled: false}, max_series_per_request: 10";
    let bench = bench(options, Duration::ZERO, [Ok(Verdict::Delivered), down()]);
    let error = bench.exporter.export(batches::gauge("g", 20)).await.unwrap_err();
    assert!(error.is_retryable() && !error.is_partial());
    bench.assert_books(0, &[]);
    bench.exporter.export(batches::gauge("g", 20)).await.unwrap();
    bench.assert_books(20, &[]);
    let batch = batches::metrics()
        .gauge("g", &[1.0])
        .delta()
        .counter("c", &[1.0])
        .wire();
    let error = bench.exporter.export(batch).await.unwrap_err();
    assert!(
        error.is_partial() && !error.is_retryable(),
        "the sender learns what was lost for good"
    );
    bench.assert_books(21, &[("delta_temporality", 1)]);
}
