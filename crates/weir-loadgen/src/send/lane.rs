//! One lane: a request, its acknowledgement, the next request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Client;
use crate::workload::LaneSource;

/// When the requests of a lane are due, whatever became of those before.
pub(super) struct Pace {
    due: Instant,
    interval: Duration,
}

impl Pace {
    /// Spreads the requests of `lanes` lanes evenly over time so that together they make `rate` points per second.
    pub(super) fn new(rate: f64, points: u32, lane: usize, lanes: usize, began: Instant) -> Self {
        let interval = Duration::from_secs_f64((f64::from(points) * lanes as f64 / rate).min(86_400.0));
        Self {
            due: began + interval.mul_f64(lane as f64 / lanes as f64),
            interval,
        }
    }

    fn next(&mut self) -> Instant {
        let due = self.due;
        self.due += self.interval;
        due
    }
}

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
        let stopped = self.stop.is_cancelled()
            || self
                .stop
                .run_until_cancelled(async {
                    if !ends {
                        sleep_until(due).await
                    }
                })
                .await
                .is_none();
        let points = self.source.points_per_request();
        let spent = |budget: &Arc<AtomicI64>| budget.fetch_sub(points as i64, Ordering::Relaxed) <= 0;
        (!ends && !stopped && !self.budget.as_ref().is_some_and(spent)).then_some(due)
    }
}

pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
