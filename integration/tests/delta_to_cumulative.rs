//! Deltas that were acknowledged are part of their totals, whatever happens to the gateway.

mod truth;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use weir_integration::gateway::{Gateway, config};
use weir_integration::http::Client;
use weir_integration::otlp::{Delta, deltas, now, send};
use weir_integration::prometheus::{Prometheus, RECEIVING};
use weir_integration::series::{Labels, Point};
use weir_integration::sink::Sink;
use weir_integration::wait::until;

use crate::truth::{Dice, Truth, increase};

/// Streams, and points of each.
const STREAMS: u64 = 100;
const POINTS: u64 = 300;
/// Milliseconds between two points of a stream.
const INTERVAL: u64 = 2_000;
/// How much later than its time a point may be sent, in milliseconds.
const SHUFFLED: u64 = 30_000;
/// How much faster than the clock the generator's time goes.
const HASTE: u64 = 20;
/// How long points wait for older ones, by the clock. Four times what is needed: the machine may be slow.
const WINDOW: &str = "6s";
/// How often the gateway is killed while points come, and the longest time between, in milliseconds by the clock. Some of these times are
/// longer than points wait, so that totals flow; some are shorter.
const KILLS: u64 = 5;
const BETWEEN_KILLS: u64 = 9_000;

/// Adds a storage and the processor to the usual config.
fn with_totals(config: &str, storage: &Path, options: &str) -> String {
    let processor = format!(
        "processors:
  delta_to_cumulative:
    storage: file_storage
    checkpoint_interval: 1s
    {options}
"
    );
    let extension = format!(
        "extensions:
  file_storage:
    directory: {}
    timeout: 10s
",
        storage.display()
    );
    config
        .replace("processors:\n", &processor)
        .replacen("extensions:\n", &extension, 1)
        .replace(
            "extensions: [health_check]",
            "extensions: [health_check, file_storage]",
        )
        .replace(
            "[memory_limiter, batch]",
            "[memory_limiter, delta_to_cumulative, batch]",
        )
}

async fn start(write_url: &str, storage: &Path, options: &str) -> Result<Gateway> {
    let settings = format!("endpoint: {write_url}\n");
    Gateway::start(|ports| {
        let usual = config(ports, "prometheus_remote_write", &settings);
        // The processors' own section comes first; the list in the pipeline is in brackets.
        with_totals(&usual, storage, options)
    })
    .await
}

/// Sends a request until it is acknowledged, to whichever gateway runs.
async fn insist(client: &Client, gateways: &watch::Receiver<String>, points: &[Delta]) -> Result<()> {
    loop {
        let base = gateways.borrow().clone();
        if let Ok(status) = send(client, &base, &deltas(points)).await {
            if status.is_success() {
                return Ok(());
            }
            ensure!(
                status.is_server_error() || status.as_u16() == 429,
                "the receiver answered {status}"
            );
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// A generator with known totals sends deltas, shuffled within 30 s of its time; the gateway is killed at random moments. In the end every
/// total in the store is the truth, at every time that the store has, and `increase()` says nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn totals_are_the_truth_although_the_gateway_is_killed() -> Result<()> {
    let store = Prometheus::start(RECEIVING).await?;
    let storage = TempDir::new()?;
    let options = format!("reorder_window: {WINDOW}");
    let mut gateway = start(&store.write_url(), storage.path(), &options).await?;
    let (address, gateways) = watch::channel(gateway.http());

    let mut dice = Dice(5);
    // All of it lies in the past, so that the store has it at once.
    let begin = now() / 1_000_000 - POINTS * INTERVAL;
    let truth = Truth::throw(&mut dice, STREAMS, POINTS, begin, INTERVAL);
    let mut requests: BTreeMap<(u64, u64), Vec<Delta>> = BTreeMap::new();
    for (stream, number) in
        (0..STREAMS).flat_map(|stream| (0..POINTS - 1).map(move |number| (stream, number)))
    {
        let sent = ((number + 1) * INTERVAL + dice.below(SHUFFLED)) / HASTE;
        // Two requests at a time, every 100 ms.
        requests
            .entry((sent / 100 * 100, dice.below(2)))
            .or_default()
            .push(truth.delta(stream, number));
    }
    let (client, begun) = (Client::default(), Instant::now());
    let mut senders = JoinSet::new();
    for ((millis, _), points) in requests {
        let (client, gateways) = (client.clone(), gateways.clone());
        senders.spawn(async move {
            sleep_until(begun + Duration::from_millis(millis)).await;
            insist(&client, &gateways, &points).await
        });
    }
    for _ in 0..KILLS {
        sleep(Duration::from_millis(dice.below(BETWEEN_KILLS))).await;
        gateway.kill().await?;
        gateway = start(&store.write_url(), storage.path(), &options).await?;
        address.send_replace(gateway.http());
    }
    for sent in senders.join_all().await {
        sent?;
    }
    // What was lost on the way from the processor to the store, the next total of the stream makes up for.
    let last: Vec<Delta> = (0..STREAMS)
        .map(|stream| truth.delta(stream, POINTS - 1))
        .collect();
    insist(&client, &gateways, &last).await?;

    let stored = until("the totals to be the truth", async || {
        let series = store.series(r#"{__name__="requests_total"}"#).await?.floats;
        ensure!(series.len() == STREAMS as usize, "{} series", series.len());
        for (labels, points) in &series {
            let last = points.last().context("a series without points")?;
            ensure!(
                last.milliseconds == truth.end() as i64,
                "{labels:?} ends before its last point"
            );
            for point in points {
                let total = truth.total(labels["stream"].parse()?, point.milliseconds);
                ensure!(
                    total == Some(point.value),
                    "{labels:?} has {point:?} instead of {total:?}"
                );
            }
        }
        Ok(series)
    })
    .await
    .with_context(|| gateway.log())?;
    no_spikes(&store, &truth, &stored).await?;
    for damage in [
        "weir_storage_set_aside_total",
        "weir_delta_to_cumulative_unreadable_records_total",
        "weir_delta_to_cumulative_resets_total",
    ] {
        let found = gateway.metric(damage, "").await?;
        ensure!(found == 0.0, "{damage} is {found}");
    }
    gateway.stop().await
}

/// Asks the store for `increase()` over short ranges all along, and over everything, and compares it with that of the truth.
async fn no_spikes(store: &Prometheus, truth: &Truth, stored: &BTreeMap<Labels, Vec<Point>>) -> Result<()> {
    let (end, all) = (truth.end(), POINTS * INTERVAL);
    for (range, from) in [(30_001, end - all), (all + 1, end)] {
        let query = format!("increase(requests_total[{range}ms])");
        let answer = store.range(&query, from, end, INTERVAL).await?.floats;
        ensure!(answer.len() == stored.len(), "{} series", answer.len());
        for (labels, points) in answer {
            let mut named = labels.clone();
            named.insert("__name__".into(), "requests_total".into());
            let samples = stored.get(&named).context("a series that is not stored")?;
            for point in points {
                let said = increase(samples, point.milliseconds, range.cast_signed());
                let near = said.is_some_and(|said| (said / point.value - 1.0).abs() < 1e-9);
                ensure!(near, "{query} of {labels:?} is {point:?} instead of {said:?}");
            }
        }
    }
    Ok(())
}

/// Streams that come and go, so many at a time, and how often.
const WAVE: u64 = 20_000;
const WAVES: u64 = 20;
/// Waves after which memory has the size that it keeps.
const SETTLED: u64 = 4;
/// Most bytes of a file that holds two waves and their journal, however late checkpoints are. Ten waves do not fit.
const FILE_BYTES: f64 = 16e6;

/// Streams come and go; memory and file stay as they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat_while_streams_come_and_go() -> Result<()> {
    let (store, storage, client) = (Sink::accepting().await?, TempDir::new()?, Client::default());
    let gateway = start(&store.write_url(), storage.path(), "max_stale: 1s").await?;
    let (_, gateways) = watch::channel(gateway.http());
    let mut settled = 0.0;
    for wave in 0..WAVES {
        let time_ns = now();
        let points: Vec<Delta> = (wave * WAVE..(wave + 1) * WAVE)
            .map(|stream| Delta {
                stream,
                start_ns: time_ns - 1_000_000_000,
                time_ns,
                value: 1,
            })
            .collect();
        for request in points.chunks(1_000) {
            insist(&client, &gateways, request).await?;
        }
        let bytes = gateway.metric("weir_delta_to_cumulative_state_bytes", "").await?;
        ensure!(bytes <= (2 * WAVE * 100) as f64, "{bytes} bytes of totals");
        until("the waves before to be forgotten", async || {
            let streams = gateway
                .metric("otelcol_deltatocumulative_streams_tracked", "")
                .await?;
            ensure!(streams <= WAVE as f64, "{streams} streams");
            Ok(())
        })
        .await?;
        let memory = gateway.metric("otelcol_process_memory_rss", "").await?;
        if wave < SETTLED {
            settled = memory;
        }
        ensure!(
            memory <= settled * 1.25,
            "memory has grown from {settled} to {memory} bytes after {wave} waves"
        );
        let file = gateway.metric("weir_storage_file_bytes", "").await?;
        ensure!(file <= FILE_BYTES, "the file has {file} bytes after {wave} waves");
    }
    let forgotten = gateway
        .metric("weir_delta_to_cumulative_forgotten_streams_total", "")
        .await?;
    ensure!(
        forgotten >= ((WAVES - 1) * WAVE) as f64,
        "{forgotten} were forgotten"
    );
    gateway.stop().await
}
