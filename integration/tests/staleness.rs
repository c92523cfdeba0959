//! Series of senders that are gone end in the store at once, and no others.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{MissedTickBehavior, interval};
use weir_integration::gateway::{Gateway, config};
use weir_integration::http::Client;
use weir_integration::otlp::{Delta, deliver, deltas, gauges, now};
use weir_integration::prometheus::{Prometheus, RECEIVING};
use weir_integration::series::Labels;
use weir_integration::wait::until;

/// Time between two points of a stream.
const STEP: Duration = Duration::from_secs(1);

const STALENESS: &str = "staleness:
  enabled: true
  missed_intervals: 3
  min_interval: 1s
";

fn settings(url: &str, more: &str) -> String {
    format!("endpoint: {url}\ntarget_info:\n  enabled: false\n{more}")
}

fn named(names: &[&str]) -> Vec<Labels> {
    let name = |name: &&str| Labels::from([("__name__".to_owned(), (*name).to_owned())]);
    names.iter().map(name).collect()
}

/// Sends a point of each gauge every second until `done` says so.
async fn report(
    gateway: &Gateway,
    names: &[&str],
    mut done: impl AsyncFnMut(u64) -> Result<bool>,
) -> Result<()> {
    let client = Client::default();
    let mut steps = interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for step in 0.. {
        steps.tick().await;
        deliver(&client, &gateway.http(), &gauges(&named(names), now())).await?;
        if done(step).await? {
            break;
        }
    }
    Ok(())
}

/// A sender goes: its series are gone from an instant query, those of the other stay, also when the gateway stops and starts again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn series_of_a_sender_that_is_gone_end_and_a_restart_ends_none() -> Result<()> {
    for version in ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] {
        let store = Prometheus::start(RECEIVING).await?;
        let options = settings(
            &store.write_url(),
            &format!("protobuf_message: {version}\n{STALENESS}"),
        );
        let start = || Gateway::start(|ports| config(ports, "prometheus_remote_write", &options));
        let gateway = start().await?;
        report(&gateway, &["steady", "gone"], async |step| Ok(step >= 5)).await?;
        until("both to be there", async || {
            ensure!(store.evaluate("{__name__=~\"steady|gone\"}").await? == 2);
            Ok(())
        })
        .await?;
        // One of them goes on.
        report(&gateway, &["steady"], async |step| {
            ensure!(step < 60, "the other did not end");
            Ok(store.evaluate("gone").await? == 0)
        })
        .await?;
        ensure!(store.evaluate("steady").await? == 1, "the one that goes on ended");
        ensure!(
            store.evaluate("last_over_time(gone[1h])").await? == 1,
            "what was before the end is there"
        );
        let markers = "weir_exporter_remote_write_stale_markers_total";
        ensure!(gateway.metric(markers, "").await? == 1.0, "one marker");
        gateway.stop().await?;

        let gateway = start().await?;
        report(&gateway, &["other"], async |step| Ok(step >= 5)).await?;
        until("the other to end", async || {
            ensure!(store.evaluate("last_over_time(other[1h])").await? == 1);
            ensure!(store.evaluate("other").await? == 0);
            Ok(())
        })
        .await?;
        ensure!(
            store.evaluate("steady").await? == 1,
            "it ended because of the restart"
        );
        gateway.stop().await?;
    }
    Ok(())
}

/// The same for totals of deltas, whose stream goes on where it was when its sender comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn totals_of_a_sender_that_is_gone_end_and_go_on_when_it_comes_back() -> Result<()> {
    let store = Prometheus::start(RECEIVING).await?;
    let gateway = Gateway::start(|ports| {
        let processor = "processors:
  delta_to_cumulative:
    staleness:
      enabled: true
      missed_intervals: 3
      min_interval: 1s
";
        config(
            ports,
            "prometheus_remote_write",
            &settings(&store.write_url(), ""),
        )
        .replacen("processors:\n", processor, 1)
        .replace(
            "[memory_limiter, batch]",
            "[memory_limiter, delta_to_cumulative, batch]",
        )
    })
    .await?;
    let (client, mut steps) = (Client::default(), interval(STEP));
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = now();
    let mut point = async |streams: &[u64]| -> Result<()> {
        steps.tick().await;
        let (start_ns, time_ns) = (last, now());
        last = time_ns;
        let points = streams.iter().map(|stream| Delta {
            stream: *stream,
            start_ns,
            time_ns,
            value: 2,
        });
        deliver(&client, &gateway.http(), &deltas(&points.collect::<Vec<_>>())).await
    };
    for _ in 0..6 {
        point(&[1, 2]).await?;
    }
    until("both to be there", async || {
        ensure!(store.evaluate("requests_total").await? == 2);
        Ok(())
    })
    .await?;
    let mut steps_alone = 0;
    while store.evaluate(r#"requests_total{stream="2"}"#).await? == 1 {
        steps_alone += 1;
        ensure!(steps_alone < 60, "the other did not end");
        point(&[1]).await?;
    }
    ensure!(store.evaluate(r#"requests_total{stream="1"}"#).await? == 1);
    point(&[1, 2]).await?;
    until("the total to go on", async || {
        ensure!(store.evaluate(r#"requests_total{stream="2"} == 14"#).await? == 1);
        Ok(())
    })
    .await?;
    let markers = "weir_delta_to_cumulative_stale_markers_total";
    ensure!(gateway.metric(markers, "").await? == 1.0, "one end");
    gateway.stop().await
}
