//! Deltas that were acknowledged are part of their totals, whatever happens to the gateway.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
use weir_integration::wait::until;

/// Streams, and points of each.
const STREAMS: u64 = 40;
const POINTS: u64 = 80;
/// Time between two points of a stream.
const INTERVAL: Duration = Duration::from_millis(200);
/// How much later than its time a point may be sent.
const SHUFFLED: u64 = 3_000;
/// How often the gateway is killed while points come.
const KILLS: u64 = 4;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Adds a storage and the processor to the usual config.
fn with_totals(config: &str, storage: &Path) -> String {
    let processor = "processors:
  delta_to_cumulative:
    storage: file_storage
    reorder_window: 10s
    checkpoint_interval: 1s
";
    let extension = format!(
        "extensions:
  file_storage:
    directory: {}
    timeout: 10s
",
        storage.display()
    );
    config
        .replace("processors:\n", processor)
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

async fn start(store: &Prometheus, storage: &Path) -> Result<Gateway> {
    let settings = format!("endpoint: {}\n", store.write_url());
    Gateway::start(|ports| {
        let usual = config(ports, "prometheus_remote_write", &settings);
        // The processors' own section comes first; the list in the pipeline is in brackets.
        with_totals(&usual, storage)
    })
    .await
}

/// Sends a request until it is acknowledged, to whichever gateway runs.
async fn insist(client: Client, gateways: watch::Receiver<String>, points: Vec<Delta>) -> Result<()> {
    loop {
        let base = gateways.borrow().clone();
        if let Ok(status) = send(&client, &base, &deltas(&points)).await {
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

/// A generator with known totals sends deltas, shuffled; the gateway is killed at random moments. In the end every total in the
/// store is the truth, and none has ever fallen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn totals_are_the_truth_although_the_gateway_is_killed() -> Result<()> {
    let store = Prometheus::start(RECEIVING).await?;
    let storage = TempDir::new()?;
    let mut gateway = start(&store, storage.path()).await?;
    let (address, gateways) = watch::channel(gateway.http());

    let (begun, base) = (Instant::now(), now());
    let interval = INTERVAL.as_nanos() as u64;
    let mut dice = Dice(1);
    let mut truth: BTreeMap<u64, u64> = BTreeMap::new();
    let mut requests: BTreeMap<u64, Vec<Delta>> = BTreeMap::new();
    for stream in 0..STREAMS {
        for number in 0..POINTS {
            let value = 1 + dice.below(100);
            *truth.entry(stream).or_default() += value;
            let start_ns = base + number * interval;
            let late = dice.below(SHUFFLED);
            let millis = (number + 1) * interval / 1_000_000 + late;
            // A request every 100 ms.
            requests.entry(millis / 100 * 100).or_default().push(Delta {
                stream,
                start_ns,
                time_ns: start_ns + interval,
                value,
            });
        }
    }
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut senders = JoinSet::new();
    for (millis, points) in requests {
        let (gateways, acknowledged) = (gateways.clone(), Arc::clone(&acknowledged));
        senders.spawn(async move {
            sleep_until(begun + Duration::from_millis(millis)).await;
            let count = points.len() as u64;
            insist(Client::default(), gateways, points).await?;
            acknowledged.fetch_add(count, Ordering::Relaxed);
            anyhow::Ok(())
        });
    }
    for _ in 0..KILLS {
        sleep(Duration::from_millis(1_500 + dice.below(1_500))).await;
        gateway.kill().await?;
        gateway = start(&store, storage.path()).await?;
        address.send_replace(gateway.http());
    }
    for sent in senders.join_all().await {
        sent?;
    }
    ensure!(
        acknowledged.load(Ordering::Relaxed) == STREAMS * POINTS,
        "everything was acknowledged"
    );

    until("the totals to be the truth", async || {
        let series = store.series(r#"{__name__="requests_total"}"#).await?.floats;
        ensure!(series.len() == truth.len(), "{} series", series.len());
        for (labels, points) in &series {
            let stream: u64 = labels["stream"].parse()?;
            let last = points.last().context("a series without points")?.value;
            ensure!(
                last == truth[&stream] as f64,
                "{labels:?} is {last} instead of {}",
                truth[&stream]
            );
            let falls = points.windows(2).find(|pair| pair[1].value < pair[0].value);
            ensure!(falls.is_none(), "{labels:?} falls: {falls:?}");
        }
        Ok(())
    })
    .await
    .with_context(|| gateway.log())?;
    for damage in [
        "weir_storage_set_aside_total",
        "weir_delta_to_cumulative_unreadable_records_total",
    ] {
        let found = gateway.metric(damage, "").await?;
        ensure!(found == 0.0, "{damage} is {found}");
    }
    gateway.stop().await
}
