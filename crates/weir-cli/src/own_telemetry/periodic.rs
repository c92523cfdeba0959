//! A reader that pushes own metrics from time to time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use weir_config::telemetry::{Exporter, PeriodicReader, Temporality};
use weir_pdata::Decoded;

use super::Source;
use super::otlp::metrics::Told;
use super::push::Destination;
use super::resource::OwnResource;

/// Pushes own metrics to one place.
pub(super) struct Periodic {
    interval: Duration,
    timeout: Duration,
    destination: Destination,
    resource: Arc<OwnResource>,
    source: Arc<Source>,
    told: Told,
}

impl Periodic {
    pub(super) fn new(
        reader: &PeriodicReader,
        destination: Destination,
        resource: Arc<OwnResource>,
        source: Arc<Source>,
    ) -> Self {
        let temporality = match &reader.exporter {
            Exporter::Otlp(otlp) => otlp.temporality_preference,
            Exporter::Console => None,
        };
        Self {
            interval: reader.interval,
            timeout: reader.timeout,
            destination,
            resource,
            source,
            told: Told::new(temporality.unwrap_or(Temporality::Cumulative)),
        }
    }

    /// Pushes until told to stop, and then a last time.
    pub(super) async fn run(mut self, stop: CancellationToken) {
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

    async fn push(&mut self) {
        // Many series take longer to read than a thread of the runtime should be held.
        let source = Arc::clone(&self.source);
        let Ok(snapshot) = tokio::task::spawn_blocking(move || source.snapshot()).await else {
            return;
        };
        let request = Decoded::Metrics(self.told.request(&snapshot, &self.resource));
        if self.destination.push(request, self.timeout).await {
            self.told.remember(snapshot);
        }
    }
}
