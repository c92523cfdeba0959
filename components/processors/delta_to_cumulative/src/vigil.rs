//! Looks after streams: one last point for each that has fallen silent, and a word about those with several writers.
//!
//! What it sees and what it ends is in the order of walks, so the last point of a stream follows its totals.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::Counter;
use weir_component::{Batch, BuildContext, Components, Host, NoteList};
use weir_streams::{Budget, Ended, Fate, Said, Shards, Sighting, Silence, StreamId, Watch, WatchRules};

use crate::Config;
use crate::accumulator::{Accumulator, Now};
use crate::decision::{Decision, Reason};
use crate::ending::{Endings, Remains};
use crate::metrics::watching;
use crate::naming::show;
use crate::stream::{Point, Stream};
use crate::waiting::Waiting;

/// Streams that are named in the log; further ones are counted, and named on pages.
const WARNINGS: u64 = 20;

/// Streams that one look judges, about: a few milliseconds.
const STREAMS_PER_LOOK: usize = 1 << 18;

/// Whether streams are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// None.
    Away,
    /// A part of them, if they are many.
    AtSome,
    /// All.
    AtAll,
}

/// Looks after the streams of one processor.
pub(crate) struct Vigil {
    watch: Watch,
    /// Tells whether the graph is being stopped; set at start.
    components: OnceLock<Components>,
    writes_ends: bool,
    offenders: NoteList,
    told: AtomicU64,
    markers: Counter,
    conflicts: Counter,
}

/// What was seen of a batch, to be named.
#[derive(Debug, Default)]
pub(crate) struct ToName {
    /// Deltas of streams without a name.
    nameless: Vec<(u32, StreamId)>,
    /// Deltas that show several writers.
    conflicts: Vec<u32>,
}

impl Vigil {
    /// Makes one if the options want it.
    pub(crate) fn new(config: &Config, context: &BuildContext, budget: &Arc<Budget>) -> Option<Self> {
        let rules = rules(config)?;
        let (markers, conflicts) = watching(context);
        Some(Self {
            watch: Watch::new(rules, budget),
            components: OnceLock::new(),
            writes_ends: rules.silence.is_some(),
            offenders: context.notes.list("streams with several writers"),
            told: AtomicU64::new(0),
            markers,
            conflicts,
        })
    }

    /// Begins to end streams.
    pub(crate) fn start(&self, host: &Host) {
        self.components.get_or_init(|| host.service().components.clone());
    }

    /// Returns what there is to look at in points, before their walk takes them.
    pub(crate) fn before(points: &[Point]) -> Vec<Sighting> {
        let sighting = |point: &Point| Sighting {
            id: point.id,
            start_ns: point.start_ns,
            time_ns: point.time_ns,
            digest: point.digest,
            fate: Fate::Ends,
        };
        points.iter().map(sighting).collect()
    }

    /// Looks at points and what became of them. Called in the order of walks.
    pub(crate) fn see(&self, now: Now, points: &[Sighting], decisions: &[Decision]) -> ToName {
        let (mut ordinals, mut sightings) = (Vec::new(), Vec::new());
        for (ordinal, (point, decision)) in (0..).zip(points.iter().zip(decisions)) {
            let fate = match decision {
                Decision::Total { .. } | Decision::Wait => Fate::Lives(Said::Delta),
                Decision::Nothing { .. } => Fate::Ends,
                Decision::Drop(Reason::OutOfOrder | Reason::OlderStart) => Fate::Refused(Said::Delta),
                Decision::Drop(_) => continue,
            };
            ordinals.push(ordinal);
            sightings.push(Sighting { fate, ..*point });
        }
        let seen = self.watch.see(now.millis, &sightings);
        let named = |at: &u32| (ordinals[*at as usize], sightings[*at as usize].id);
        ToName {
            nameless: seen.nameless.iter().map(named).collect(),
            conflicts: seen.conflicts.iter().map(|at| ordinals[*at as usize]).collect(),
        }
    }

    /// Names what was seen; `batch` is as it came.
    pub(crate) fn name(&self, batch: &Batch, mut to_name: ToName) {
        if to_name.nameless.is_empty() && to_name.conflicts.is_empty() {
            return;
        }
        self.conflicts.increment(to_name.conflicts.len() as u64);
        to_name.nameless.sort_unstable();
        to_name.conflicts.sort_unstable();
        let ordinals = to_name.nameless.iter().map(|(ordinal, _)| *ordinal);
        let mut wanted: Vec<u32> = ordinals.chain(to_name.conflicts.iter().copied()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        show(batch, &wanted, |ordinal, shown| {
            let found = to_name
                .nameless
                .binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal);
            if let Ok(at) = found {
                let pieces = shown.pieces();
                self.watch
                    .name(to_name.nameless[at].1, pieces.iter().map(Vec::as_slice));
            }
            if to_name.conflicts.binary_search(&ordinal).is_ok() {
                self.tell(&shown.text());
            }
        });
    }

    fn tell(&self, stream: &str) {
        self.offenders.put(
            stream,
            "several senders write this stream: give each its own service.instance.id",
        );
        match self.told.fetch_add(1, Ordering::Relaxed) + 1 {
            told if told < WARNINGS => tracing::warn!(
                stream,
                "several senders write one stream, so its total is wrong; give each its own service.instance.id"
            ),
            WARNINGS => tracing::warn!(
                stream,
                "several senders write one stream; further streams are counted and not logged"
            ),
            _ => {}
        }
    }

    /// Returns the streams that have fallen silent, unless they may be silent because Weir stops. Called in the order of walks.
    pub(crate) fn judge(&self, now: Now, look: Look) -> Vec<Ended> {
        if self.components.get().is_none_or(Components::are_stopping) {
            return Vec::new();
        }
        let most = match look {
            Look::Away => return Vec::new(),
            Look::AtSome => STREAMS_PER_LOOK,
            Look::AtAll => usize::MAX,
        };
        self.watch.judge(now.millis, most)
    }

    /// Writes the last points of streams.
    pub(crate) fn write(&self, mut ended: Vec<Ended>, accumulator: &Accumulator) -> Vec<Batch> {
        let mut endings = Endings::default();
        if self.writes_ends {
            self.watch.show(&mut ended, |one, pieces| {
                endings.add(one, pieces, &remains(accumulator, one.id));
            });
        }
        self.watch.release(ended);
        let batches = endings.finish();
        let points: usize = batches.iter().map(Batch::items).sum();
        self.markers.increment(points as u64);
        batches
    }
}

/// Returns what is left of a stream.
fn remains(accumulator: &Accumulator, id: StreamId) -> Remains {
    let shard = Shards::<Stream, Waiting>::shard_of(id);
    accumulator.shards.with(shard, |table, _| {
        let entry = table.find(id).and_then(|slot| table.get(slot));
        entry.map_or_else(Remains::default, |entry| Remains {
            start_ns: entry.value.start_ns,
            total: Some(entry.value.total.clone()),
        })
    })
}

/// Returns what the options want to be looked for.
fn rules(config: &Config) -> Option<WatchRules> {
    let (staleness, conflicts) = (&config.staleness, config.conflicts.enabled);
    // What waits goes on before its stream can end.
    let at_least = match config.reorder_window.is_zero() {
        true => Duration::ZERO,
        false => config.reorder_window + Duration::from_secs(1),
    };
    let rules = WatchRules {
        silence: staleness.enabled.then(|| Silence {
            missed_intervals: staleness.missed_intervals,
            min_interval_ms: millis(staleness.min_interval),
            max_interval_ms: millis(staleness.max_interval),
            at_least_ms: millis(at_least),
        }),
        conflicts,
        forget_after_ms: millis(config.max_stale.max(at_least)),
    };
    (staleness.enabled || conflicts).then_some(rules)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
