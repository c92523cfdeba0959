//! Delivers what is in the queue.

use std::time::Duration;

use tokio::time::Instant;
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
            claim.settle(answer);
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
            let patience = match self.claim(last) {
                Ok(claim) => return Some(claim),
                Err(_) if last => return None,
                Err(patience) => patience,
            };
            tokio::select! {
                () = arrived => {}
                _ = closing.begun() => {}
                () = after(patience) => {}
            }
        }
    }

    /// Takes what is due; otherwise returns how long to wait for something that will be, if anything is there at all.
    fn claim(&self, last: bool) -> Result<Claim, Option<Duration>> {
        let now = Instant::now();
        let (taken, patience) = {
            let mut waiting = self.shared.waiting();
            (waiting.take(now, last), waiting.patience(now))
        };
        let taken = taken.ok_or(patience)?;
        if patience.is_some() {
            // Something is left behind: another worker watches it while this one delivers.
            self.shared.arrived.notify_one();
        }
        let metrics = &self.shared.settlement.metrics;
        metrics.send_size.record(taken.size.items as f64);
        metrics.send_size_bytes.record(taken.size.bytes as f64);
        Ok(Claim::new(std::sync::Arc::clone(&self.shared), taken))
    }
}

/// Waits for a time, or for ever.
async fn after(patience: Option<Duration>) {
    match patience {
        Some(patience) => tokio::time::sleep(patience).await,
        None => std::future::pending().await,
    }
}
