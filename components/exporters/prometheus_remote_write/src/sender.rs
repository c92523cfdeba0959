//! One attempt of one request, and what its answer means.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use tokio::time::Instant;
use tower::Service;
use tower::util::BoxCloneSyncService;
use weir_component::{Code, ConsumeError, Context as BatchContext, Fault, Retry};
use weir_net::client::{Client, Outgoing, Target};
use weir_prom::EncodedRequest;
use weir_prom::outcome::{Counts, Outcome, Reply, judge, written};

use crate::metrics::RemoteWriteMetrics;
use crate::tally::reason;

/// Bytes of an answer's text that are read and logged, as in Prometheus and the Collector.
const REPLY_TEXT_BYTES: usize = 1024;

const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");

/// A request ready to be sent.
#[derive(Debug)]
pub(crate) struct Push {
    /// What is in it; its `block` is empty, [`Self::body`] has it.
    pub(crate) request: EncodedRequest,
    /// The message, compressed.
    pub(crate) body: Bytes,
    /// What is known about the batch beside its data.
    pub(crate) context: BatchContext,
}

impl Push {
    pub(crate) fn new(mut request: EncodedRequest, context: BatchContext) -> Self {
        let body = std::mem::take(&mut request.block).into();
        Self {
            request,
            body,
            context,
        }
    }
}

/// The last word on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The receiver has it.
    Delivered,
    /// The receiver does not want it, or not all of it.
    Rejected {
        /// Why, for the books.
        reason: &'static str,
        /// Data points that are lost.
        points: u64,
        /// The answer, for the log.
        answer: String,
    },
    /// The receiver wants less at a time.
    TooLarge,
    /// The receiver does not know this version of the protocol.
    WrongProtocol,
}

/// Sends a request once. Errors are those that another attempt may cure.
pub(crate) type Sender = BoxCloneSyncService<Arc<Push>, Verdict, ConsumeError>;

/// Sends over HTTP.
#[derive(Clone)]
pub(crate) struct HttpSender {
    pub(crate) client: Client,
    pub(crate) target: Arc<Target>,
    pub(crate) metrics: Arc<RemoteWriteMetrics>,
    pub(crate) retry_429: bool,
}

impl Service<Arc<Push>> for HttpSender {
    type Response = Verdict;
    type Error = ConsumeError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Verdict, ConsumeError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConsumeError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, push: Arc<Push>) -> Self::Future {
        let sender = self.clone();
        Box::pin(async move { sender.send(&push).await })
    }
}

impl HttpSender {
    async fn send(&self, push: &Push) -> Result<Verdict, ConsumeError> {
        let protocol = push.request.protocol;
        let mut outgoing = Outgoing::post(&self.target, protocol.content_type(), push.body.clone());
        outgoing
            .headers
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static("snappy"));
        outgoing
            .headers
            .insert(VERSION, HeaderValue::from_static(protocol.version_header()));
        outgoing.context = push.context.clone();
        outgoing.max_reply_bytes = REPLY_TEXT_BYTES;
        self.metrics.sent_batches.increment(1);
        self.metrics.sent_bytes.increment(push.body.len() as u64);
        let begin = Instant::now();
        let reply = self
            .client
            .send(outgoing)
            .await
            .inspect_err(|_| self.metrics.failed_requests.increment(1))?;
        self.metrics.request_seconds.record(begin.elapsed().as_secs_f64());
        self.metrics.response(reply.status.as_u16());
        let text = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok());
        let facts = Reply {
            status: reply.status.as_u16(),
            written: written(text),
            retry_after: text("retry-after"),
        };
        let outcome = judge(
            facts,
            push.request.counts,
            protocol,
            self.retry_429,
            SystemTime::now(),
        );
        self.metrics.written(facts.written.unwrap_or_default());
        self.conclude(outcome, facts.status, &reply.body, &push.request)
    }

    fn conclude(
        &self,
        outcome: Outcome,
        status: u16,
        body: &[u8],
        sent: &EncodedRequest,
    ) -> Result<Verdict, ConsumeError> {
        let answer = || {
            let text = String::from_utf8_lossy(body);
            format!("receiver answered {status}: {}", text.trim())
        };
        match outcome {
            Outcome::Delivered { missing } => {
                if !missing.is_zero() {
                    self.metrics.unwritten(missing);
                    tracing::warn!(?missing, "receiver reported success but did not write everything");
                }
                Ok(Verdict::Delivered)
            }
            Outcome::Rejected { delivered, .. } => Ok(Verdict::Rejected {
                reason: rejection(status),
                points: lost_points(sent.points, delivered, sent.counts),
                answer: answer(),
            }),
            Outcome::Retry { after } => {
                let retry = after.map_or(Retry::Later, Retry::After);
                Err(ConsumeError::new(Code::from_http(status), answer())
                    .of(Fault::Downstream)
                    .with_retry(retry))
            }
            Outcome::TooLarge => Ok(Verdict::TooLarge),
            Outcome::WrongProtocol => Ok(Verdict::WrongProtocol),
        }
    }
}

/// Names what a status that is final says.
fn rejection(status: u16) -> &'static str {
    match status {
        400 => reason::BAD_REQUEST,
        401 | 403 => reason::UNAUTHORIZED,
        404 => reason::NOT_FOUND,
        429 => reason::TOO_MANY_REQUESTS,
        _ => reason::REJECTED,
    }
}

/// Returns how many of a request's data points are lost when only `written` of what was `sent` was written.
///
/// A point may be many samples, and the receiver does not say which ones it took: the share of samples and histograms stands for
/// that of points, rounded up.
fn lost_points(points: u64, written: Counts, sent: Counts) -> u64 {
    let values = |counts: Counts| counts.samples + counts.histograms;
    let (all, lost) = (values(sent), values(sent).saturating_sub(values(written)));
    if all == 0 {
        return points;
    }
    let share = (u128::from(points) * u128::from(lost)).div_ceil(u128::from(all));
    u64::try_from(share).unwrap_or(points).min(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_samples_stands_for_that_of_points() {
        let counts = |samples, histograms| Counts {
            samples,
            histograms,
            exemplars: 9,
        };
        assert_eq!(lost_points(10, counts(0, 0), counts(10, 0)), 10);
        assert_eq!(lost_points(10, counts(9, 0), counts(10, 0)), 1);
        assert_eq!(lost_points(10, counts(10, 0), counts(10, 0)), 0);
        assert_eq!(
            lost_points(1, counts(13, 0), counts(14, 0)),
            1,
            "part of a histogram is a lost histogram"
        );
        assert_eq!(lost_points(2, counts(0, 1), counts(1, 1)), 1);
        assert_eq!(lost_points(3, counts(0, 0), counts(0, 0)), 3);
    }
}
