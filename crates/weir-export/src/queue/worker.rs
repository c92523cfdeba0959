//! Delivers what is in the queue.

use weir_component::Consumer;

use super::{Claim, Queue};

impl Queue {
    /// Delivers batches until the component stops and the queue is empty, or the time to stop has run out.
    pub(crate) async fn work(self, deliver: Consumer) {
        while let Some(mut claim) = self.next().await {
            let Some(batch) = claim.batch() else { continue };
            let under_way = self.shared.settlement.metrics.in_flight();
            let answer = deliver.consume(batch).await;
            drop(under_way);
            claim.settle(&answer);
        }
    }

    /// Waits for something to deliver; none when there will be nothing more.
    async fn next(&self) -> Option<Claim> {
        let closing = &self.shared.settlement.closing;
        loop {
            // In this order: what arrives after the look wakes `arrived`, and nothing arrives after `last` was true.
            let arrived = self.shared.arrived.notified();
            let last = closing.has_begun();
            if closing.has_expired() {
                return None;
            }
            if let Some(claim) = self.claim() {
                return Some(claim);
            }
            if last {
                return None;
            }
            tokio::select! {
                () = arrived => {}
                _ = closing.begun() => {}
            }
        }
    }
}
