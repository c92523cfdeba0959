//! One lane: a request, its acknowledgement, the next request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Client;
use super::pace::Pace;
use crate::workload::LaneSource;

pub(super) struct Lane {
    pub(super) source: LaneSource,
    pub(super) client: Client,
    /// None for a closed loop.
    pub(super) pace: Option<Pace>,
    /// Points left over all lanes; a request begins while it is above zero.
    pub(super) budget: Option<Arc<AtomicI64>>,
    pub(super) until: Option<Instant>,
    pub(super) stop: CancellationToken,
}

impl Lane {
    /// Sends until stopped, out of budget or out of time; returns the source with its totals.
    pub(super) async fn run(mut self) -> LaneSource {
        while let Some(due) = self.next_turn().await {
            let request = self.source.next_request(now());
            self.client.deliver(&request, due).await;
        }
        self.source
    }

    /// Waits until the next request is due; none when the lane is over.
    async fn next_turn(&mut self) -> Option<Instant> {
        let due = self.pace.as_mut().map_or_else(Instant::now, Pace::next);
        let ends = self.until.is_some_and(|until| until <= due);
        let turn = async {
            if let (Some(pace), false) = (&self.pace, ends) {
                pace.wait(due).await;
            }
        };
        let stopped = self.stop.is_cancelled() || self.stop.run_until_cancelled(turn).await.is_none();
        let points = self.source.points_per_request();
        let spent = |budget: &Arc<AtomicI64>| budget.fetch_sub(points as i64, Ordering::Relaxed) <= 0;
        (!ends && !stopped && !self.budget.as_ref().is_some_and(spent)).then_some(due)
    }
}

pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
