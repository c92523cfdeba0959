//! A reader that pushes own metrics from time to time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use weir_config::telemetry::{Exporter, PeriodicReader, Temporality};
use weir_pdata::Decoded;
use weir_telemetry::logs::QUIET;

use super::Source;
use super::otlp::metrics::Told;
use super::push::Destination;
use super::resource::OwnResource;

/// What one place has been told. Clones are the same: of two readers that overlap in a reload, each tells only what the other has not.
#[derive(Debug, Clone)]
pub(super) struct Telling {
    exporter: Exporter,
    told: Arc<Mutex<Told>>,
}

impl Telling {
    /// Nothing yet.
    pub(super) fn to(exporter: &Exporter) -> Self {
        let temporality = match exporter {
            Exporter::Otlp(otlp) => otlp.temporality_preference,
            Exporter::Console => None,
        };
        Self {
            exporter: exporter.clone(),
            told: Arc::new(Mutex::new(Told::new(
                temporality.unwrap_or(Temporality::Cumulative),
            ))),
        }
    }

    /// Returns true if the same place is told in the same way.
    pub(super) fn is_to_same(&self, other: &Self) -> bool {
        self.exporter == other.exporter
    }
}

/// Pushes own metrics to one place.
pub(super) struct Periodic {
    interval: Duration,
    timeout: Duration,
    destination: Destination,
    resource: Arc<OwnResource>,
    source: Arc<Source>,
    told: Telling,
}

impl Periodic {
    pub(super) fn new(
        reader: &PeriodicReader,
        destination: Destination,
        told: Telling,
        resource: Arc<OwnResource>,
        source: Arc<Source>,
    ) -> Self {
        Self {
            interval: reader.interval,
            timeout: reader.timeout,
            destination,
            resource,
            source,
            told,
        }
    }

    /// Pushes until told to stop, and then a last time.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut ticks = interval_at(Instant::now() + self.interval, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            // A push that hangs gives way to the last one.
            if stop.run_until_cancelled(self.push()).await.is_none() {
                break;
            }
        }
        self.push().await;
    }

    async fn push(&self) {
        let mut told = self.told.told.lock().await;
        // Many series take longer to read than a thread of the runtime should be held.
        let source = Arc::clone(&self.source);
        let Ok(snapshot) = tokio::task::spawn_blocking(move || source.snapshot()).await else {
            return;
        };
        let request = Decoded::Metrics(told.request(&snapshot, &self.resource));
        let push = self.destination.push(request, self.timeout);
        // What is logged on the way is about pushing: see `QUIET`.
        if push.instrument(tracing::error_span!(target: QUIET, "push")).await {
            told.remember(snapshot);
        }
    }
}
