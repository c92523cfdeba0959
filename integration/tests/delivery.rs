//! What was acknowledged arrives: through outages, refusals, and the gateway's own end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use http::StatusCode;
use tokio::task::JoinSet;
use weir_integration::gateway::{Gateway, config};
use weir_integration::http::Client;
use weir_integration::otlp::{FAMILY, deliver, now, numbered, send};
use weir_integration::prometheus::{Prometheus, RECEIVING};
use weir_integration::sink::{Sink, Written};
use weir_integration::wait::until;
use weir_integration::{application, difference, expected, samples};

/// Numbers of the points that a sink accepted.
fn arrived(sink: &Sink) -> BTreeSet<u64> {
    let samples = sink.accepted_samples().into_iter();
    let numbers = samples.filter(|(labels, ..)| labels["__name__"] == FAMILY);
    numbers
        .map(|(labels, ..)| labels["n"].parse().expect("the attribute is a number"))
        .collect()
}

/// Senders push as fast as they are answered, and the gateway is asked to stop in the middle of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_loses_nothing_acknowledged() -> Result<()> {
    const POINTS: u64 = 50;
    // Every third request has to be repeated, so some are always waiting.
    let count = AtomicU64::new(0);
    let sink = Sink::start(move |_| match count.fetch_add(1, Ordering::Relaxed) % 3 {
        0 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::NO_CONTENT,
    })
    .await?;
    let settings = format!("endpoint: {}\n", sink.write_url());
    let mut gateway = Gateway::start(|ports| config(ports, "prometheus_remote_write", &settings)).await?;

    let next = Arc::new(AtomicU64::new(0));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..4 {
        let (base, next, acknowledged) = (gateway.http(), Arc::clone(&next), Arc::clone(&acknowledged));
        senders.spawn(async move {
            let client = Client::default();
            let mut mine = Vec::new();
            loop {
                let first = next.fetch_add(POINTS, Ordering::Relaxed);
                match send(&client, &base, &numbered(first..first + POINTS, now())).await {
                    Ok(status) if status.is_success() => mine.extend(first..first + POINTS),
                    // The gateway is going, or gone.
                    _refused => return mine,
                }
                acknowledged.fetch_add(POINTS, Ordering::Relaxed);
            }
        });
    }
    until("load", async || {
        let points = acknowledged.load(Ordering::Relaxed);
        ensure!(points >= 20_000, "{points} points acknowledged");
        Ok(())
    })
    .await?;
    let status = gateway.terminate().await?;
    let acknowledged: BTreeSet<u64> = senders.join_all().await.into_iter().flatten().collect();

    ensure!(status.success(), "weir ended with {status}\n{}", gateway.log());
    let lost: Vec<u64> = acknowledged.difference(&arrived(&sink)).copied().collect();
    ensure!(
        lost.is_empty(),
        "{} of {} lost: {lost:?}\n{}",
        lost.len(),
        acknowledged.len(),
        gateway.log()
    );
    Ok(())
}

/// The store refuses samples out of order, so retries must not let later samples overtake.
async fn check_outage(message: &str) -> Result<()> {
    let mut store = Prometheus::start(RECEIVING).await?;
    let settings = format!(
        "endpoint: {}\nprotobuf_message: {message}\nretry_on_failure:\n  initial_interval: 50ms\n  \
         max_interval: 200ms\n  max_elapsed_time: 0s\n",
        store.write_url()
    );
    let gateway = Gateway::start(|ports| config(ports, "prometheus_remote_write", &settings)).await?;
    store.stop().await?;
    // Acknowledged although the store is away: the queue holds it.
    let report = application::python(&["--endpoint", &gateway.grpc(), "--rounds", "5"]).await?;
    store.resume().await?;
    let expected = expected::series(&report, samples::PYTHON_NAMES).without_target_info();
    until("every sample to arrive after the outage", async || {
        difference::expect_series(
            &expected,
            &store.series(samples::PYTHON).await?.without_target_info(),
        )
    })
    .await
    .with_context(|| gateway.log())?;
    gateway.stop().await
}

#[tokio::test]
async fn a_store_that_was_away_gets_everything_in_order_with_remote_write_1() -> Result<()> {
    check_outage("prometheus.WriteRequest").await
}

#[tokio::test]
async fn a_store_that_was_away_gets_everything_in_order_with_remote_write_2() -> Result<()> {
    check_outage("io.prometheus.write.v2.Request").await
}

/// A store that is away fills the queue; then senders are told to come again, and what was taken still arrives.
#[tokio::test]
async fn a_full_queue_refuses_and_keeps_what_it_took() -> Result<()> {
    let back = Arc::new(AtomicBool::new(false));
    let sink = Sink::start({
        let back = Arc::clone(&back);
        move |_| match back.load(Ordering::Relaxed) {
            true => StatusCode::NO_CONTENT,
            false => StatusCode::SERVICE_UNAVAILABLE,
        }
    })
    .await?;
    let settings = format!(
        "endpoint: {}\nremote_write_queue:\n  queue_size: 3\n",
        sink.write_url()
    );
    let gateway = Gateway::start(|ports| config(ports, "prometheus_remote_write", &settings)).await?;
    let client = Client::default();
    let mut acknowledged = BTreeSet::new();
    let refusal = loop {
        let first = acknowledged.len() as u64;
        ensure!(first < 10_000, "the queue of 3 requests took {first} points");
        let status = send(&client, &gateway.http(), &numbered(first..first + 10, now())).await?;
        if !status.is_success() {
            break status;
        }
        acknowledged.extend(first..first + 10);
    };
    ensure!(!acknowledged.is_empty(), "an empty queue refused");
    let again = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    ensure!(
        again.contains(&refusal),
        "{refusal} does not tell the sender to come again"
    );
    back.store(true, Ordering::Relaxed);
    until("what was taken to arrive", async || {
        let arrived = arrived(&sink);
        ensure!(
            acknowledged.is_subset(&arrived),
            "only {arrived:?} of {acknowledged:?}"
        );
        Ok(())
    })
    .await
    .with_context(|| gateway.log())?;
    gateway.stop().await
}

/// Spec: remote write 2.0, a sender may fall back to 1.0 on 415.
#[tokio::test]
async fn remote_write_2_falls_back_where_only_1_is_understood() -> Result<()> {
    let sink = Sink::start(|message| match message {
        Written::V1(_) => StatusCode::NO_CONTENT,
        Written::V2(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
    })
    .await?;
    let settings = format!(
        "endpoint: {}\nprotobuf_message: io.prometheus.write.v2.Request\n",
        sink.write_url()
    );
    let gateway = Gateway::start(|ports| config(ports, "prometheus_remote_write", &settings)).await?;
    let client = Client::default();
    for first in [0, 10, 20] {
        deliver(&client, &gateway.http(), &numbered(first..first + 10, now())).await?;
        until("the points to arrive", async || {
            let arrived = arrived(&sink);
            ensure!(
                arrived == (0..first + 10).collect(),
                "only {arrived:?}\n{}",
                gateway.log()
            );
            Ok(())
        })
        .await?;
    }
    let refused = sink
        .received()
        .iter()
        .filter(|request| !request.status.is_success())
        .count();
    ensure!(
        refused == 1,
        "the gateway asked {refused} times, instead of remembering the answer"
    );
    gateway.stop().await
}

/// Sends ten points, then ten more of which the first five are older than what the store has: refused for good.
/// `stored` series must be in the store in the end, and `failed` points counted as given up.
async fn check_refusal(message: &str, stored: usize, failed: f64) -> Result<()> {
    let store = Prometheus::start(RECEIVING).await?;
    let settings = format!("endpoint: {}\nprotobuf_message: {message}\n", store.write_url());
    let gateway = Gateway::start(|ports| config(ports, "prometheus_remote_write", &settings)).await?;
    let client = Client::default();
    let time = now();
    deliver(&client, &gateway.http(), &numbered(0..10, time)).await?;
    until("the first points to be settled", async || {
        let sent = gateway.metric("otelcol_exporter_sent_metric_points", "").await?;
        ensure!(sent == 10.0, "{sent} points sent");
        Ok(())
    })
    .await?;
    deliver(&client, &gateway.http(), &numbered(5..15, time - 60_000_000_000)).await?;
    until("the refused points to be counted", async || {
        let counted = gateway
            .metric("otelcol_exporter_send_failed_metric_points", "")
            .await?;
        ensure!(
            counted == failed,
            "{counted} points counted as failed instead of {failed}"
        );
        Ok(())
    })
    .await
    .with_context(|| gateway.log())?;
    let series = store.series(r#"{job="numbers",n!=""}"#).await?.floats.len();
    ensure!(
        series == stored,
        "{series} series in the store instead of {stored}\n{}",
        gateway.log()
    );
    gateway.stop().await
}

/// Spec: remote write 2.0, "Partial Write": the rest is stored, and the answer says how much that is.
#[tokio::test]
async fn refused_samples_spare_their_neighbours_with_remote_write_2() -> Result<()> {
    check_refusal("io.prometheus.write.v2.Request", 15, 5.0).await
}

/// Prometheus takes all of a remote write 1.0 request or nothing: the request is cut until the bad points stand alone.
#[tokio::test]
async fn refused_samples_spare_their_neighbours_with_remote_write_1() -> Result<()> {
    check_refusal("prometheus.WriteRequest", 15, 5.0).await
}
