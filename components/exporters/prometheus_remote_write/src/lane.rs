//! Sends the requests of one lane, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tower::{Service as _, ServiceExt as _};
use weir_component::ConsumeError;
use weir_export::{Cutoff, Retry, Timeout};
use weir_prom::Protocol;

use crate::encoder::Encoder;
use crate::metrics::RemoteWriteMetrics;
use crate::sender::{Push, Sender, Verdict};
use crate::tally::{Tally, reason};

/// How often a lane cuts a rejected request in halves per delivery. One bad point in a request of 2000 series takes 11 cuts; a receiver
/// that rejects everything must not be asked about every point.
const BISECTIONS: usize = 64;

/// What sends a request until it is settled.
pub(crate) type Stack = Cutoff<Retry<Timeout<Sender>>>;

/// One lane of a delivery. A request is settled before the next one is sent, so the samples of a series stay in order.
pub(crate) struct Lane {
    pub(crate) waiting: VecDeque<Push>,
    pub(crate) stack: Stack,
    pub(crate) encoder: Encoder,
    pub(crate) metrics: Arc<RemoteWriteMetrics>,
    /// Set for all lanes when one finds that the receiver does not know this version of the protocol.
    pub(crate) wrong_protocol: Arc<AtomicBool>,
    /// Cuts of rejected requests that are left.
    bisections: usize,
}

impl Lane {
    pub(crate) fn new(
        waiting: VecDeque<Push>,
        stack: Stack,
        encoder: Encoder,
        metrics: Arc<RemoteWriteMetrics>,
        wrong_protocol: Arc<AtomicBool>,
    ) -> Self {
        Self {
            waiting,
            stack,
            encoder,
            metrics,
            wrong_protocol,
            bisections: BISECTIONS,
        }
    }

    /// Sends all requests and tells what became of their points.
    pub(crate) async fn run(mut self) -> Tally {
        let mut tally = Tally::default();
        while let Some(push) = self.waiting.pop_front() {
            if self.wrong_protocol.load(Ordering::Relaxed) {
                tally.wrong_protocol += push.request.points;
                continue;
            }
            let push = Arc::new(push);
            match self.send(Arc::clone(&push)).await {
                Ok(verdict) => self.conclude(push, verdict, &mut tally).await,
                Err(error) => tally.fail(push.request.points, error),
            }
        }
        tally
    }

    async fn send(&mut self, push: Arc<Push>) -> Result<Verdict, ConsumeError> {
        self.stack.ready().await?.call(push).await
    }

    async fn conclude(&mut self, push: Arc<Push>, verdict: Verdict, tally: &mut Tally) {
        let points = push.request.points;
        match verdict {
            Verdict::Delivered => tally.delivered += points,
            Verdict::Rejected {
                reason, points: lost, ..
            } if self.may_bisect(&push, reason, lost) => {
                self.bisections -= 1;
                self.cut(push, reason, tally).await;
            }
            Verdict::Rejected {
                reason,
                points: lost,
                answer,
            } => {
                tracing::error!(points = lost, reason, %answer, "receiver rejected a request");
                tally.refuse(reason, lost);
                tally.delivered += points - lost;
            }
            Verdict::TooLarge => self.cut(push, reason::TOO_LARGE, tally).await,
            Verdict::WrongProtocol => {
                self.wrong_protocol.store(true, Ordering::Relaxed);
                tally.wrong_protocol += points;
            }
        }
    }

    /// Returns whether a rejected request is worth cutting: somewhere in it is a point that the receiver cannot take, and a receiver
    /// of remote write 1.0 takes nothing of a request that holds one. One of 2.0 takes the rest and says how much.
    fn may_bisect(&self, push: &Push, reason: &'static str, lost: u64) -> bool {
        let points = push.request.points;
        reason == reason::BAD_REQUEST
            && push.request.protocol == Protocol::V1
            && lost == points
            && points > 1
            && self.bisections > 0
    }

    /// Puts the halves of a request in front of what waits, or counts it as lost if it is one point.
    async fn cut(&mut self, push: Arc<Push>, reason: &'static str, tally: &mut Tally) {
        let points = push.request.points;
        match self.encoder.halves(push).await {
            Ok(Some([first, second])) => {
                self.metrics.splits.increment(1);
                self.waiting.push_front(second);
                self.waiting.push_front(first);
            }
            Ok(None) => tally.refuse(reason, points),
            Err(error) => tally.fail(points, error),
        }
    }
}
