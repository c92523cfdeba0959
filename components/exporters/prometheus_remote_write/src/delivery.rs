//! A merged batch to the receiver, from translation to the answer.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceBuilder;
use weir_component::{Batch, Book, ConsumeError};
use weir_export::{Closing, CutoffLayer, RetryLayer, TimeoutLayer};
use weir_prom::Protocol;
use weir_streams::Ended;

use crate::encoder::{Encoded, Encoder};
use crate::lane::Lane;
use crate::lookout::Lookout;
use crate::metrics::RemoteWriteMetrics;
use crate::negotiation::Negotiation;
use crate::sender::{Push, Sender};
use crate::tally::{Tally, reason};

/// What is delivered.
pub(crate) enum Load<'a> {
    /// A batch.
    Batch(&'a Batch),
    /// Stale markers of series.
    Markers(&'a mut [Ended]),
}

/// Delivers batches.
pub(crate) struct RemoteWrite {
    pub(crate) encoder: Encoder,
    pub(crate) negotiation: Negotiation,
    pub(crate) retry: RetryLayer,
    pub(crate) timeout: TimeoutLayer,
    pub(crate) closing: Closing,
    /// Whether callers wait for the answer and keep their batches until then: there is no queue.
    pub(crate) caller_keeps: bool,
    pub(crate) metrics: Arc<RemoteWriteMetrics>,
    /// Looks after the series, if options want it.
    pub(crate) lookout: Option<Arc<Lookout>>,
    pub(crate) book: Book,
    /// Set when the exporter starts.
    pub(crate) sender: OnceLock<Sender>,
}

impl RemoteWrite {
    /// Delivers a batch; see [`weir_export::Delivery::new`] for what the answer says.
    pub(crate) async fn deliver(&self, batch: Batch) -> Result<(), ConsumeError> {
        let _turn = match &self.lookout {
            Some(lookout) => Some(lookout.enter().await),
            None => None,
        };
        let tally = self.settle(&mut Load::Batch(&batch)).await?;
        tally.answer(self.caller_keeps, self.failure())
    }

    /// Returns why what could not be delivered is given up.
    pub(crate) fn failure(&self) -> &'static str {
        if self.closing.has_expired() {
            reason::SHUTDOWN
        } else {
            reason::RETRIES_EXHAUSTED
        }
    }

    /// Sends what there is to send, in the version of the protocol that the receiver knows, and tells what became of it.
    pub(crate) async fn settle(&self, load: &mut Load<'_>) -> Result<Tally, ConsumeError> {
        let started = Instant::now();
        let protocol = self.negotiation.current();
        let mut tally = self.send(load, protocol, started).await?;
        if tally.wrong_protocol > 0
            && let Some(other) = self.negotiation.refused(protocol)
        {
            // The whole batch: the receiver that does not know a message has written nothing of it. Behind a load balancer
            // another may have written a part; the same samples again are no news to it.
            tracing::warn!("receiver does not know remote write 2.0; sending 1.0 for an hour");
            self.metrics.fallbacks.increment(1);
            tally = self.send(load, other, started).await?;
        }
        if tally.wrong_protocol > 0 {
            tracing::error!(
                ?protocol,
                "receiver does not know the protocol; check `protobuf_message`"
            );
            let points = std::mem::take(&mut tally.wrong_protocol);
            tally.refuse(reason::UNKNOWN_PROTOCOL, points);
        }
        Ok(tally)
    }

    /// Makes requests for one version of the protocol and sends them.
    async fn send(
        &self,
        load: &mut Load<'_>,
        protocol: Protocol,
        started: Instant,
    ) -> Result<Tally, ConsumeError> {
        let mut tally = Tally::default();
        let lanes = match load {
            Load::Batch(batch) => {
                let Encoded {
                    lanes,
                    drops,
                    series,
                    seconds,
                } = self.encoder.encode(batch, protocol).await?;
                self.metrics.translation_seconds.record(seconds);
                self.metrics.translated_series.increment(series);
                self.metrics.left_out(&drops);
                tally.add_drops(&drops);
                lanes
            }
            Load::Markers(ended) => vec![self.pack_markers(ended, protocol)],
        };
        self.send_lanes(lanes, started, tally).await
    }

    /// Sends all lanes at the same time, and adds to the tally what became of them.
    async fn send_lanes(
        &self,
        lanes: Vec<VecDeque<Push>>,
        started: Instant,
        mut tally: Tally,
    ) -> Result<Tally, ConsumeError> {
        let sender = self
            .sender
            .get()
            .ok_or_else(|| ConsumeError::unavailable("not started"))?;
        let stack = ServiceBuilder::new()
            // Nothing below outlives the time to stop.
            .layer(CutoffLayer::new(self.closing.clone()))
            // One patience for all requests of the batch.
            .layer(self.retry.clone().since(started))
            // Each attempt has the time for itself.
            .layer(self.timeout)
            .service(sender.clone());
        let wrong_protocol = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        for waiting in lanes {
            let lane = Lane::new(
                waiting,
                stack.clone(),
                self.encoder.clone(),
                Arc::clone(&self.metrics),
                Arc::clone(&wrong_protocol),
            );
            running.spawn(lane.run());
        }
        while let Some(lane) = running.join_next().await {
            tally.add(
                lane.map_err(|error| ConsumeError::permanent("a lane did not finish").caused_by(error))?,
            );
        }
        Ok(tally)
    }
}

#[cfg(test)]
mod tests;
