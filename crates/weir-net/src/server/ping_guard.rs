//! Watches the HTTP/2 pings of a client.
//!
//! hyper answers pings without a word to anybody, so they are counted on the way in. Spec: RFC 9113, section 6.7 (PING).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::connection::Activity;
use crate::frames::Frames;

/// Frame type of PING.
const PING: u8 = 6;

/// Flag of a PING that answers one of ours.
const ACK: u8 = 1;

/// Time between pings of a client without open calls, if it may not send any: the keepalive time of gRPC servers.
const WITHOUT_CALLS: Duration = Duration::from_secs(2 * 3600);

/// A client is disconnected when this many pings have come too early since the last answer to a call.
const MAX_STRIKES: u32 = 2;

/// How often a client may ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PingPolicy {
    pub(super) min_time: Duration,
    pub(super) permit_without_stream: bool,
}

/// A stream that fails when the peer pings too often.
#[derive(Debug)]
pub(super) struct PingGuard<T> {
    inner: T,
    watch: Option<Watch>,
}

#[derive(Debug)]
struct Watch {
    frames: Frames,
    pings: Pings,
}

#[derive(Debug)]
struct Pings {
    policy: PingPolicy,
    activity: Arc<Activity>,
    last_ping: Option<Instant>,
    /// Answers given when the strikes began.
    answers: u64,
    strikes: u32,
}

impl<T> PingGuard<T> {
    pub(super) fn new(inner: T, policy: Option<PingPolicy>, activity: &Arc<Activity>) -> Self {
        let watch = policy.map(|policy| Watch {
            frames: Frames::new(),
            pings: Pings {
                policy,
                activity: Arc::clone(activity),
                last_ping: None,
                answers: 0,
                strikes: 0,
            },
        });
        Self { inner, watch }
    }
}

impl Watch {
    /// Follows the frames through the next bytes of the stream. Returns false if the client pings too often.
    fn accepts(&mut self, bytes: &[u8]) -> bool {
        let Self { frames, pings } = self;
        frames.follow(bytes, |kind, flags| {
            kind != PING || flags & ACK != 0 || pings.accepts(Instant::now())
        })
    }
}

impl Pings {
    fn accepts(&mut self, now: Instant) -> bool {
        let since = self.last_ping.replace(now).map(|last| now - last);
        let answers = self.activity.answers();
        if answers != self.answers {
            // The client is at work: a measurement of the round trip is no offence.
            self.answers = answers;
            self.strikes = 0;
            return true;
        }
        let idle = self.activity.idle_since().is_some();
        let pause = if idle && !self.policy.permit_without_stream {
            WITHOUT_CALLS
        } else {
            self.policy.min_time
        };
        self.strikes += u32::from(since.is_some_and(|since| since < pause));
        self.strikes <= MAX_STRIKES
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for PingGuard<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        output: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = output.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, output))?;
        let accepted = match &mut self.watch {
            Some(watch) => watch.accepts(&output.filled()[before..]),
            None => true,
        };
        Poll::Ready(if accepted {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "client pings too often",
            ))
        })
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for PingGuard<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{HEADER_BYTES, PREFACE_BYTES};

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 0];
        bytes.resize(HEADER_BYTES + payload, PING);
        bytes
    }

    fn watch(permit_without_stream: bool, activity: &Arc<Activity>) -> Watch {
        let policy = PingPolicy {
            min_time: Duration::from_secs(10),
            permit_without_stream,
        };
        PingGuard::new((), Some(policy), activity).watch.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn pings_are_found_in_any_fragmentation() {
        let activity = Arc::new(Activity::new());
        let mut bytes = vec![PING; PREFACE_BYTES];
        bytes.extend([frame(4, 0, 18), frame(0, 0, 70_000), frame(PING, ACK, 8)].concat());
        bytes.extend([frame(PING, 0, 8), frame(PING, 0, 8), frame(PING, 0, 8)].concat());
        let last = frame(PING, 0, 8);
        for step in [1, 3, 9, 1000, usize::MAX] {
            let mut watch = watch(true, &activity);
            assert!(
                bytes
                    .chunks(step.min(bytes.len()))
                    .all(|chunk| watch.accepts(chunk)),
                "steps of {step}"
            );
            assert!(
                !last
                    .chunks(step.min(last.len()))
                    .all(|chunk| watch.accepts(chunk)),
                "steps of {step}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_and_work_are_no_offence() {
        let activity = Arc::new(Activity::new());
        let mut patient = watch(true, &activity);
        for _ in 0..10 {
            assert!(patient.pings.accepts(Instant::now()));
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        let mut idle = watch(false, &activity);
        let verdicts: Vec<_> = (0..5)
            .map(|minutes| {
                idle.pings
                    .accepts(Instant::now() + Duration::from_secs(60 * minutes))
            })
            .collect();
        assert_eq!(verdicts, [true, true, true, false, false]);
        let mut busy = watch(false, &activity);
        for _ in 0..10 {
            assert!(busy.pings.accepts(Instant::now()));
            drop(activity.begin());
        }
    }
}
