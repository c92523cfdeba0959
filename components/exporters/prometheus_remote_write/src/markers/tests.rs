//! Series that fall silent, through a sender that keeps what it is given, on paused time.

use std::sync::{Arc, Mutex};

use tower::service_fn;
use weir_component::{
    Batch, BuildContext, Component as _, ComponentKind, ComponentStatus, Context, Exporter as _, Host,
    Ledger, NodeKey, ServiceInfo, Signal,
};
use weir_pdata::ContextParts;
use weir_pdata::rewrite::{Answer, Editor, MetricEdit, NumberEdit};
use weir_pdata::view::{Metric, NO_RECORDED_VALUE, NumberPoint};
use weir_prom::sent::{SentReader, labels};
use weir_testkit::{batches, contract};

use super::*;
use crate::sender::{Sender, Verdict};
use crate::{Config, FACTORY, PrometheusRemoteWrite};

/// A sample: series, time in seconds, whether it is a stale marker.
type Sent = (String, f64, bool);

type Received = (Protocol, Option<String>, Sent);

struct Bench {
    exporter: PrometheusRemoteWrite,
    context: BuildContext,
    components: Components,
    /// With the version of the protocol, and the tenant.
    sent: Arc<Mutex<Vec<Received>>>,
    /// What the receiver answers; success if nothing is said.
    answer: Arc<Mutex<Option<Result<Verdict, ConsumeError>>>>,
}

const ON: &str = "staleness: {enabled: true, missed_intervals: 3}";

fn bench(options: &str) -> Bench {
    let config = contract::config(
        &FACTORY.meta,
        &format!(
            "{{endpoint: 'http://h/', target_info: {{enabled: false}}, disable_scope_info: true, {options}}}"
        ),
    );
    let id = "prometheus_remote_write".parse().unwrap();
    let context = BuildContext::standalone(id, ComponentKind::Exporter, Some(Signal::Metrics));
    let context = BuildContext {
        book: Ledger::default().book(context.node()),
        ..context
    };
    let exporter = PrometheusRemoteWrite::build(config.downcast::<Config>().unwrap(), &context).unwrap();
    let sent: Arc<Mutex<Vec<_>>> = Arc::default();
    let answer: Arc<Mutex<Option<Result<Verdict, ConsumeError>>>> = Arc::default();
    let (seen, answers) = (Arc::clone(&sent), Arc::clone(&answer));
    let info = ServiceInfo::default();
    let components = info.components.clone();
    let host = Host::default().with_service(Arc::new(info));
    exporter.begin(
        Sender::new(service_fn(move |push: Arc<Push>| {
            let answer = answers.lock().unwrap().clone();
            if answer.is_none() {
                keep(&push, &mut seen.lock().unwrap());
            }
            async move { answer.unwrap_or(Ok(Verdict::Delivered)) }
        })),
        &host,
    );
    Bench {
        exporter,
        context,
        components,
        sent,
        answer,
    }
}

fn keep(push: &Push, sent: &mut Vec<Received>) {
    let mut request = push.request.clone();
    request.block = push.body.to_vec();
    let mut samples = 0;
    SentReader::default().read(&request, |sample| {
        samples += 1;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let series = labels(sample.labels).map(|(name, value)| format!("{}={}", text(name), text(value)));
        let series = series.collect::<Vec<_>>().join(",");
        sent.push((
            request.protocol,
            push.context.tenant.clone(),
            (series, sample.time_ms as f64 / 1e3, sample.is_stale),
        ));
    });
    assert_eq!(samples, request.counts.samples + request.counts.histograms);
}

impl Bench {
    async fn send(&self, batch: Batch) {
        self.exporter.export(batch).await.unwrap();
    }

    /// Sends a counter five times, every ten seconds, beginning at second 1000.
    async fn five(&self, name: &str) {
        for at in 0..5 {
            self.send(counter(name, 1_000 + at * 10, at as f64)).await;
            pass(10).await;
        }
    }

    fn markers(&self) -> Vec<Sent> {
        let sent = self.sent.lock().unwrap();
        let markers = sent.iter().filter(|(_, _, sample)| sample.2);
        markers.map(|(_, _, sample)| sample.clone()).collect()
    }

    async fn stop(&self) {
        let deadline = tokio::time::Instant::now().into_std() + Duration::from_secs(10);
        self.exporter.shutdown(deadline).await.unwrap();
        assert_eq!(self.context.book.held(), 0);
    }

    fn answer(&self, answer: Option<Result<Verdict, ConsumeError>>) {
        *self.answer.lock().unwrap() = answer;
    }
}

fn counter(name: &str, time_s: u64, value: f64) -> Batch {
    batches::metrics()
        .at(time_s * 1_000_000_000)
        .counter(name, &[value])
        .wire()
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn marker(sent: &Sent, name: &str, time: f64) {
    assert!(sent.0.starts_with(&format!("__name__={name},")), "{sent:?}");
    assert_eq!((sent.1, sent.2), (time, true), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_series_ends_once_under_its_final_labels() {
    let rules = "write_relabel_configs: [{target_label: extra, replacement: x}]";
    for version in ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] {
        let bench = bench(&format!("protobuf_message: '{version}', {rules}, {ON}"));
        bench.five("c").await;
        pass(25).await;
        let markers = bench.markers();
        assert_eq!(markers.len(), 1);
        marker(&markers[0], "c_total", 1_045.0);
        let sent = bench.sent.lock().unwrap().clone();
        assert_eq!(sent[0].2.0, markers[0].0, "the same labels");
        assert!(markers[0].0.contains("extra=x"));
        pass(10_000).await;
        assert_eq!(bench.markers().len(), 1);
        // It comes back, and goes again.
        bench.five("c").await;
        pass(25).await;
        assert_eq!(bench.markers().len(), 2);
        bench.stop().await;
        let book = &bench.context.book;
        assert_eq!((book.delivered_items(), book.dropped_by_reason().len()), (12, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn every_series_of_histograms_ends() {
    let bench = bench(&format!(
        "protobuf_message: 'io.prometheus.write.v2.Request', {ON}"
    ));
    for at in 0..5 {
        let batch = batches::metrics()
            .at((1_000 + at * 10) * 1_000_000_000)
            .histogram("h", &[1.0], &[1, 2])
            .exponential_histogram("e", 0, &[1, 2])
            .wire();
        bench.send(batch).await;
        pass(10).await;
    }
    let mut before: Vec<String> = bench
        .sent
        .lock()
        .unwrap()
        .iter()
        .map(|sent| sent.2.0.clone())
        .collect();
    before.sort();
    before.dedup();
    assert_eq!(before.len(), 5);
    pass(25).await;
    let mut markers: Vec<String> = bench.markers().into_iter().map(|marker| marker.0).collect();
    markers.sort();
    assert_eq!(markers, before);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_ends_because_of_a_stop_or_because_nothing_can_be_sent() {
    let stopped = bench(ON);
    stopped.five("c").await;
    stopped.stop().await;
    pass(1_000).await;
    assert_eq!(stopped.markers(), []);

    // The receivers have stopped, and the exporter's turn has not come.
    let stopping = bench(ON);
    stopping.five("c").await;
    let receiver = NodeKey {
        kind: ComponentKind::Receiver,
        ..stopping.context.node()
    };
    let (status, _) = stopping.components.reporter(&receiver);
    status.stage(ComponentStatus::Starting);
    status.stage(ComponentStatus::Ok);
    status.stage(ComponentStatus::Stopping);
    pass(1_000).await;
    assert_eq!(stopping.markers(), []);
    stopping.stop().await;

    let bench = bench(&format!("retry_on_failure: {{max_elapsed_time: 0s}}, {ON}"));
    bench.five("c").await;
    // An outage: what comes in waits.
    bench.answer(Some(Err(ConsumeError::unavailable("down"))));
    for at in 5..60 {
        bench.send(counter("c", 1_000 + at * 10, 5.0)).await;
        pass(10).await;
    }
    bench.answer(None);
    for at in 60..70 {
        bench.send(counter("c", 1_000 + at * 10, 5.0)).await;
        pass(10).await;
    }
    assert_eq!(bench.markers(), []);
    assert_eq!(bench.sent.lock().unwrap().len(), 70);
    pass(120).await;
    assert_eq!(bench.markers().len(), 1);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn markers_are_sent_again_and_booked_whatever_becomes_of_them() {
    let bench = bench(ON);
    bench.five("c").await;
    pass(15).await;
    bench.answer(Some(Err(ConsumeError::unavailable("down"))));
    pass(60).await;
    assert_eq!((bench.markers().len(), bench.context.book.held()), (0, 1));
    bench.answer(None);
    pass(60).await;
    assert_eq!((bench.markers().len(), bench.context.book.held()), (1, 0));
    // Refused for good.
    bench.five("d").await;
    bench.answer(Some(Ok(Verdict::Rejected {
        reason: reason::BAD_REQUEST,
        points: 1,
        answer: String::new(),
    })));
    pass(60).await;
    assert_eq!(bench.context.book.dropped_by_reason()["bad_request"], 1);
    // Under way when Weir stops.
    bench.answer(None);
    bench.five("e").await;
    bench.answer(Some(Err(ConsumeError::unavailable("down"))));
    pass(25).await;
    bench.stop().await;
    assert_eq!(bench.context.book.dropped_by_reason()["shutdown"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_knows_one_version_gets_markers_in_it() {
    let bench = bench(&format!(
        "protobuf_message: 'io.prometheus.write.v2.Request', {ON}"
    ));
    bench.five("c").await;
    bench.answer(Some(Ok(Verdict::WrongProtocol)));
    pass(21).await;
    bench.answer(None);
    pass(10).await;
    // Refused in both versions.
    assert_eq!(bench.context.book.dropped_by_reason()["unknown_protocol"], 1);
    bench.five("d").await;
    pass(25).await;
    assert_eq!(bench.markers().len(), 1);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn series_of_tenants_are_apart() {
    let bench = bench(ON);
    for at in 0..8 {
        for tenant in ["a", "b"] {
            let context = Context::new(ContextParts {
                tenant: Some(tenant.to_owned()),
                ..ContextParts::default()
            });
            if tenant == "a" || at < 5 {
                bench
                    .send(counter("c", 1_000 + at * 10, at as f64).with_context(context))
                    .await;
            }
        }
        pass(10).await;
    }
    let sent = bench.sent.lock().unwrap().clone();
    let markers: Vec<_> = sent.iter().filter(|sent| sent.2.2).collect();
    assert_eq!(markers.len(), 1);
    assert_eq!(markers[0].1.as_deref(), Some("b"));
    bench.stop().await;
}

/// Takes the value of all numbers away.
struct Ends;

impl Editor for Ends {
    fn metric(&mut self, _: &Metric<'_>, _: &mut MetricEdit<'_>) -> Answer {
        Answer::Enter
    }

    fn number(&mut self, _: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        edit.set_flags(NO_RECORDED_VALUE);
        Answer::Keep
    }
}

#[tokio::test(start_paused = true)]
async fn a_series_that_its_sender_ended_gets_no_second_marker() {
    let bench = bench(ON);
    bench.five("c").await;
    let mut batch = counter("c", 1_050, 0.0);
    batch.rewrite(&mut Ends).unwrap();
    bench.send(batch).await;
    pass(10_000).await;
    let markers = bench.markers();
    assert_eq!(markers.len(), 1);
    marker(&markers[0], "c_total", 1_050.0);
    assert_eq!(bench.context.book.delivered_items(), 6);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn callers_that_keep_their_batches_wait_for_no_marker() {
    let bench = bench(&format!("remote_write_queue: {{enabled: false}}, {ON}"));
    bench.five("c").await;
    pass(25).await;
    assert_eq!(bench.markers().len(), 1);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_writers_of_a_series_are_named_once() {
    let bench = bench("conflicts: {enabled: true}");
    for at in 0..10 {
        bench.send(counter("c", 1_000 + at * 10, 100.0 + at as f64)).await;
        bench
            .send(counter("c", 1_005 + at * 10, 5_000.0 + at as f64))
            .await;
        bench.send(counter("d", 1_005 + at * 10, at as f64)).await;
        pass(10).await;
    }
    let notes = bench.context.notes.read();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].title, "series with several writers");
    assert_eq!(notes[0].lines.len(), 1, "{notes:?}");
    assert!(notes[0].lines[0].0.starts_with("c_total{"), "{notes:?}");
    pass(10_000).await;
    assert_eq!(bench.markers(), []);
    bench.stop().await;
}
