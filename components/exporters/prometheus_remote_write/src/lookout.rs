//! Looks after the series that are sent: a stale marker for each that has fallen silent, and a word about those with several writers.
//!
//! Series are seen as they are sent, under their final labels, when their requests are made. Markers are sent while nothing else is, so
//! they follow the last sample of their series.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::Counter;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::time::Instant;
use weir_component::{BuildContext, Context, NoteList};
use weir_pdata::{ContextParts, Digest};
use weir_prom::sent::{Marker, MarkerWriter, SentReader, SentSample, Values, labels, pieces};
use weir_prom::{EncodedRequest, Protocol};
use weir_streams::{Budget, Ended, Fate, Limits, Said, Sighting, StreamId, Watch, WatchRules};

use crate::metrics::watching;

/// Series that are named in the log; further ones are counted, and named on pages.
const WARNINGS: u64 = 20;

/// Series that one look judges, about: a few milliseconds.
const SERIES_PER_LOOK: usize = 1 << 18;

/// Contexts whose series are looked after. Series of further ones are not.
const CONTEXTS: usize = 1024;

/// Time without any progress that counts: if deliveries take longer, series are not silent, they cannot be heard.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks after the series of one exporter.
pub(crate) struct Lookout {
    watch: Watch,
    digest: Digest,
    reader: Mutex<SentReader>,
    /// What goes with the requests of a series, by number.
    contexts: Mutex<Vec<Context>>,
    clock: Mutex<Clock>,
    /// Held by deliveries together, and by markers alone.
    turn: RwLock<()>,
    offenders: NoteList,
    told: AtomicU64,
    pub(crate) markers: Counter,
    conflicts: Counter,
}

/// Tells how long series could be heard.
#[derive(Debug)]
struct Clock {
    begun: Instant,
    /// Time that does not count.
    lost: Duration,
    /// Deliveries under way.
    running: usize,
    /// When one of them ended, or the first began.
    progress: Instant,
}

impl Clock {
    fn new() -> Self {
        let begun = Instant::now();
        Self {
            begun,
            lost: Duration::ZERO,
            running: 0,
            progress: begun,
        }
    }

    fn now_ms(&self) -> u64 {
        let lost = self.lost + self.stuck();
        let heard = self.begun.elapsed().saturating_sub(lost);
        u64::try_from(heard.as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns for how long there has been no progress, as far as it does not count.
    fn stuck(&self) -> Duration {
        match self.running {
            0 => Duration::ZERO,
            _ => self.progress.elapsed().saturating_sub(PATIENCE),
        }
    }

    fn enter(&mut self) {
        if self.running == 0 {
            self.progress = Instant::now();
        }
        self.running += 1;
    }

    fn leave(&mut self) {
        self.lost += self.stuck();
        self.progress = Instant::now();
        self.running -= 1;
    }
}

/// A delivery under way. While it lives no marker is sent, unless it is of markers itself.
pub(crate) struct Turn<'l> {
    lookout: &'l Lookout,
    _shared: Option<RwLockReadGuard<'l, ()>>,
    _alone: Option<RwLockWriteGuard<'l, ()>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.lookout.clock().leave();
    }
}

impl Lookout {
    /// Makes one. `bytes` is what may be remembered of series; 0 is as much as there is.
    pub(crate) fn new(rules: WatchRules, bytes: u64, context: &BuildContext, endpoint: &str) -> Self {
        let (markers, conflicts) = watching(context, endpoint);
        let budget = Arc::new(Budget::new(Limits::of(u64::MAX, bytes)));
        Self {
            watch: Watch::new(rules, &budget),
            digest: Digest::random(),
            reader: Mutex::default(),
            contexts: Mutex::default(),
            clock: Mutex::new(Clock::new()),
            turn: RwLock::default(),
            offenders: context.notes.list("series with several writers"),
            told: AtomicU64::new(0),
            markers,
            conflicts,
        }
    }

    /// Begins a delivery.
    pub(crate) async fn enter(&self) -> Turn<'_> {
        let shared = self.turn.read().await;
        self.turn_of(Some(shared), None)
    }

    /// Begins to send markers, when nothing else is being sent.
    pub(crate) async fn alone(&self) -> Turn<'_> {
        let alone = self.turn.write().await;
        self.turn_of(None, Some(alone))
    }

    /// Begins to send markers, if nothing else is being sent.
    pub(crate) fn try_alone(&self) -> Option<Turn<'_>> {
        let alone = self.turn.try_write().ok()?;
        Some(self.turn_of(None, Some(alone)))
    }

    fn turn_of<'l>(
        &'l self,
        shared: Option<RwLockReadGuard<'l, ()>>,
        alone: Option<RwLockWriteGuard<'l, ()>>,
    ) -> Turn<'l> {
        self.clock().enter();
        Turn {
            lookout: self,
            _shared: shared,
            _alone: alone,
        }
    }

    /// Looks at the series of a request.
    pub(crate) fn see(&self, context: &Context, request: &EncodedRequest) {
        let Some(owner) = self.owner(context) else { return };
        let owned = self.digest.bytes(&owner.to_le_bytes());
        let (mut sightings, mut heads, mut all_labels) = (Vec::new(), Vec::new(), Vec::new());
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.read(request, |sample| {
            let id = StreamId::from(self.digest.bytes(sample.labels).wrapping_add(owned));
            if sightings.last().is_none_or(|last: &Sighting| last.id != id) {
                all_labels.extend_from_slice(sample.labels);
            }
            sightings.push(sighting(id, sample));
            let start = all_labels.len() - sample.labels.len();
            heads.push((sample.is_histogram, start..all_labels.len()));
        });
        drop(reader);
        let now_ms = self.clock().now_ms();
        let seen = self.watch.see(now_ms, &sightings);
        for at in seen.nameless {
            let (is_histogram, range) = &heads[at as usize];
            let head = Head {
                owner,
                is_histogram: *is_histogram,
            };
            let head = head.to_bytes();
            let labels = pieces(&all_labels[range.clone()]);
            self.watch.name(
                sightings[at as usize].id,
                std::iter::once(&head[..]).chain(labels),
            );
        }
        self.conflicts.increment(seen.conflicts.len() as u64);
        for at in seen.conflicts {
            self.tell(&text(&all_labels[heads[at as usize].1.clone()]));
        }
    }

    fn tell(&self, series: &str) {
        self.offenders.put(
            series,
            "several senders write this series: give each its own service.instance.id",
        );
        match self.told.fetch_add(1, Ordering::Relaxed) + 1 {
            told if told < WARNINGS => tracing::warn!(
                series,
                "several senders write one series, so its values are wrong; give each its own service.instance.id"
            ),
            WARNINGS => tracing::warn!(
                series,
                "several senders write one series; further series are counted and not logged"
            ),
            _ => {}
        }
    }

    /// Returns the series that have fallen silent. Give them back by [`Self::release`].
    pub(crate) fn judge(&self) -> Vec<Ended> {
        let now_ms = self.clock().now_ms();
        self.watch.judge(now_ms, SERIES_PER_LOOK)
    }

    /// Writes the markers of series, and what goes with their requests.
    pub(crate) fn write(
        &self,
        ended: &mut [Ended],
        protocol: Protocol,
        max_series: usize,
        max_bytes: usize,
    ) -> Vec<(Context, Vec<EncodedRequest>)> {
        let contexts = self.contexts().clone();
        let new = || MarkerWriter::new(protocol, max_series, max_bytes);
        let mut written: Vec<(Context, Vec<EncodedRequest>)> = Vec::new();
        let mut open: Option<(u32, MarkerWriter)> = None;
        let mut close = |open: Option<(u32, MarkerWriter)>| {
            if let Some((owner, writer)) = open
                && let Some(context) = contexts.get(owner as usize)
            {
                written.push((context.clone(), writer.finish()));
            }
        };
        self.watch.show(ended, |one, pieces| {
            let Some(head) = pieces.next().and_then(Head::from_bytes) else {
                return;
            };
            if open.as_ref().is_none_or(|(owner, _)| *owner != head.owner) {
                close(open.replace((head.owner, new())));
            }
            if let Some((_, writer)) = &mut open {
                let marker = Marker {
                    time_ms: i64::try_from(one.at_ns / 1_000_000).unwrap_or(i64::MAX),
                    is_histogram: head.is_histogram,
                };
                writer.add(pieces, marker);
            }
        });
        close(open);
        written
    }

    /// Gives back what [`Self::judge`] returned.
    pub(crate) fn release(&self, ended: Vec<Ended>) {
        self.watch.release(ended);
    }

    /// Returns the number of what must go with the requests of a series; none if there are too many.
    fn owner(&self, context: &Context) -> Option<u32> {
        let lasting = Context::new(ContextParts {
            tenant: context.tenant.clone(),
            identity: context.identity.clone(),
            metadata: context.metadata.clone(),
            ..ContextParts::default()
        });
        let mut contexts = self.contexts();
        let known = contexts.iter().position(|known| *known == lasting);
        let at = known.or_else(|| {
            (contexts.len() < CONTEXTS).then(|| {
                contexts.push(lasting);
                contexts.len() - 1
            })
        })?;
        u32::try_from(at).ok()
    }

    fn contexts(&self) -> MutexGuard<'_, Vec<Context>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// First piece of the name of a series; its labels follow.
struct Head {
    owner: u32,
    is_histogram: bool,
}

impl Head {
    fn to_bytes(&self) -> [u8; 5] {
        let [a, b, c, d] = self.owner.to_le_bytes();
        [u8::from(self.is_histogram), a, b, c, d]
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [is_histogram, owner @ ..] = bytes else {
            return None;
        };
        Some(Self {
            owner: u32::from_le_bytes(owner.try_into().ok()?),
            is_histogram: *is_histogram == 1,
        })
    }
}

fn sighting(id: StreamId, sample: &SentSample<'_>) -> Sighting {
    let nanoseconds = |ms: i64| u64::try_from(ms).unwrap_or(0).saturating_mul(1_000_000);
    let said = match sample.values {
        Values::Totals => Said::Total(f64::from_bits(sample.bits)),
        Values::Others => Said::Level,
        Values::Parts => Said::Nothing,
    };
    Sighting {
        id,
        start_ns: nanoseconds(sample.start_ms),
        time_ns: nanoseconds(sample.time_ms),
        digest: (sample.bits ^ sample.bits >> 32) as u32,
        fate: if sample.is_stale {
            Fate::Ends
        } else {
            Fate::Lives(said)
        },
    }
}

/// Writes labels as people know them.
fn text(bytes: &[u8]) -> String {
    let (mut name, mut rest) = (String::new(), String::new());
    for (label, value) in labels(bytes) {
        let (label, value) = (String::from_utf8_lossy(label), String::from_utf8_lossy(value));
        if label == "__name__" {
            name = value.into_owned();
        } else {
            let comma = if rest.is_empty() { "" } else { ", " };
            rest.push_str(&format!("{comma}{label}={value:?}"));
        }
    }
    format!("{name}{{{rest}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_stands_still_while_nothing_can_be_sent() {
        let pass = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
        let mut clock = Clock::new();
        pass(10).await;
        assert_eq!(clock.now_ms(), 10_000);
        clock.enter();
        pass(1).await;
        clock.leave();
        assert_eq!(clock.now_ms(), 11_000);
        // An outage, of two deliveries.
        clock.enter();
        pass(1).await;
        clock.enter();
        pass(600).await;
        assert_eq!(clock.now_ms(), 12_000);
        clock.leave();
        assert_eq!(clock.now_ms(), 12_000);
        pass(600).await;
        clock.leave();
        assert_eq!(clock.now_ms(), 13_000);
        pass(5).await;
        assert_eq!(clock.now_ms(), 18_000);
    }

    #[test]
    fn heads_read_back() {
        for head in [(0, false), (70_000, true)] {
            let (owner, is_histogram) = head;
            let back = Head::from_bytes(&Head { owner, is_histogram }.to_bytes()).unwrap();
            assert_eq!((back.owner, back.is_histogram), head);
        }
        assert!(Head::from_bytes(&[]).is_none());
    }
}
