//! Looks after streams: which have gone silent, which have several writers.
//!
//! [`Rhythm`] learns how often a stream reports, [`Rivals`](rivals::Rivals) tells one writer from several, [`Name`]s keep what it takes
//! to write one last point of a stream. [`Watch`] has these for many streams, and ends each of them once.
//!
//! A stream that has ended is not watched any more. If it comes back it is a new one, so nothing can end twice.

mod pieces;
mod rhythm;
mod rivals;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use pieces::Name;
pub use rhythm::Rhythm;
pub use rivals::Said;

use crate::{Budget, Entry, SHARDS, Shards, Slot, StreamId, StreamTable, Weigh};
use pieces::Pieces;
use rivals::{Rivals, Sign};

/// Length of the ticks in which is remembered when a stream was seen.
const TICK_MS: u64 = 100;

/// What a [`Watch`] looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchRules {
    /// When a stream has gone silent; none if nobody wants to know. Then streams need no names either.
    pub silence: Option<Silence>,
    /// Whether to look for several writers of one stream.
    pub conflicts: bool,
    /// After how many milliseconds without a point a stream has ended in any case.
    pub forget_after_ms: u64,
}

/// When a stream has gone silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// How many of its own intervals must have passed.
    pub missed_intervals: u32,
    /// What a shorter interval counts as, in milliseconds.
    pub min_interval_ms: u64,
    /// Streams with a longer interval are only judged by [`WatchRules::forget_after_ms`], in milliseconds.
    pub max_interval_ms: u64,
    /// How many milliseconds must have passed in any case.
    pub at_least_ms: u64,
}

/// A point, as far as a [`Watch`] looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Sighting {
    /// Its stream.
    pub id: StreamId,
    /// Its start time, Unix time in nanoseconds; 0 is unset.
    pub start_ns: u64,
    /// Its time, Unix time in nanoseconds.
    pub time_ns: u64,
    /// Tells it from another point of the same stream and time.
    pub digest: u32,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fate {
    /// It goes on: its stream lives.
    Lives(Said),
    /// It does not go on, but it tells who writes the stream.
    Refused(Said),
    /// It says that its stream has ended.
    Ends,
}

/// What was seen of some points, as places in the list of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Points whose stream has no name yet, one for each stream: give it one by [`Watch::name`].
    pub nameless: Vec<u32>,
    /// Points that show that several writers write their stream, once for each stream.
    pub conflicts: Vec<u32>,
}

/// A stream that has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// The stream.
    pub id: StreamId,
    /// When: half of its interval after its last point, in the time of its points. So what a sender brings later that was out of
    /// reach is not older than the end.
    pub at_ns: u64,
    /// Its name. Give it back by [`Watch::release`].
    pub name: Name,
}

/// What is remembered of a stream.
#[derive(Debug, Clone)]
struct Watched {
    /// Time of its newest point that went on.
    time_ns: u64,
    rhythm: Rhythm,
    name: Option<Name>,
    rivals: Option<Box<Rivals>>,
}

impl Weigh for Watched {
    fn heap_bytes(&self) -> usize {
        self.name.as_ref().map_or(0, Name::heap_bytes)
            + self.rivals.as_ref().map_or(0, |_| size_of::<Rivals>())
    }
}

/// Looks after streams, for several cores at once.
///
/// Takes the bytes for it from a budget. A stream for which there is no room is not looked after.
#[derive(Debug)]
pub struct Watch {
    rules: WatchRules,
    shards: Shards<Watched>,
    pieces: Mutex<Pieces>,
    /// The shard that is judged next.
    next: Mutex<usize>,
}

impl Watch {
    /// Makes a watch that looks after no stream yet.
    pub fn new(rules: WatchRules, budget: &Arc<Budget>) -> Self {
        Self {
            rules,
            shards: Shards::sharing(Arc::new(Budget::beside(budget))),
            pieces: Mutex::new(Pieces::new(Arc::clone(budget))),
            next: Mutex::new(0),
        }
    }

    /// Returns the number of streams that are looked after.
    pub fn streams(&self) -> usize {
        self.shards.budget().streams()
    }

    /// Looks at points, `now_ms` after some beginning. Points of one stream count in the order of their times, whatever theirs is.
    pub fn see(&self, now_ms: u64, sightings: &[Sighting]) -> Seen {
        let shard_of = |at: u32| Shards::<Watched>::shard_of(sightings[at as usize].id);
        let mut order: Vec<u32> = (0..).take(sightings.len()).collect();
        order.sort_by_key(|at| (shard_of(*at), sightings[*at as usize].time_ns));
        let mut seen = Seen::default();
        for own in order.chunk_by(|a, b| shard_of(*a) == shard_of(*b)) {
            self.shards.with(shard_of(own[0]), |table, ()| {
                for at in own {
                    self.see_one(now_ms, *at, &sightings[*at as usize], table, &mut seen);
                }
            });
        }
        seen
    }

    fn see_one(
        &self,
        now_ms: u64,
        at: u32,
        sighting: &Sighting,
        table: &mut StreamTable<Watched>,
        seen: &mut Seen,
    ) {
        let slot = table.find(sighting.id);
        let (said, lives) = match sighting.fate {
            Fate::Ends => {
                let ended = slot.and_then(|slot| table.remove(slot));
                return self.give_back(ended.and_then(|entry| entry.value.name));
            }
            Fate::Lives(said) => (said, true),
            Fate::Refused(said) => (said, false),
        };
        let now = tick(now_ms);
        let Some(slot) = slot.or_else(|| {
            let entry = Entry {
                id: sighting.id,
                seen: now,
                value: Watched {
                    time_ns: 0,
                    rhythm: Rhythm::default(),
                    name: None,
                    rivals: None,
                },
            };
            // Nothing is told of a point that does not go on and is alone.
            lives.then(|| table.insert(entry).ok()).flatten()
        }) else {
            return;
        };
        table.change(slot, |entry| {
            let waited_ms = u64::from(now.saturating_sub(entry.seen)) * TICK_MS;
            let watched = &mut entry.value;
            if lives {
                if watched.time_ns != 0 && sighting.time_ns > watched.time_ns && waited_ms > 0 {
                    // Late points in a row come quickly, and several points in one go seldom.
                    let step_ms = (sighting.time_ns - watched.time_ns) / 1_000_000;
                    watched.rhythm.step(step_ms.max(waited_ms));
                }
                watched.time_ns = watched.time_ns.max(sighting.time_ns);
                entry.seen = now;
                if self.rules.silence.is_some() && watched.name.is_none() {
                    seen.nameless.push(at);
                }
            }
            if self.rules.conflicts && said != Said::Nothing {
                let sign = Sign {
                    start_ns: sighting.start_ns,
                    time_ns: sighting.time_ns,
                    digest: sighting.digest,
                    said,
                };
                if watched.rivals.get_or_insert_default().see(&sign) {
                    seen.conflicts.push(at);
                }
            }
        });
    }

    /// Gives a stream its name, if it is looked after and has none, and if there is room.
    pub fn name<'a>(&self, id: StreamId, pieces: impl Iterator<Item = &'a [u8]>) {
        self.shards.with(Shards::<Watched>::shard_of(id), |table, ()| {
            let Some(slot) = table.find(id) else { return };
            if table.get(slot).is_none_or(|entry| entry.value.name.is_some()) {
                return;
            }
            if let Ok(name) = self.pieces().name(pieces) {
                table.change(slot, |entry| entry.value.name = Some(name));
            }
        });
    }

    /// Returns streams that have ended by `now_ms`, and looks after them no more. Looks at the streams of a part of the shards, at
    /// about `most` streams, and goes on from there the next time; `usize::MAX` looks at all.
    pub fn judge(&self, now_ms: u64, most: usize) -> Vec<Ended> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut ended, mut looked_at) = (Vec::new(), 0);
        for _ in 0..SHARDS {
            looked_at += self.shards.with(*next, |table, ()| {
                let streams = table.len();
                self.judge_shard(tick(now_ms), table, &mut ended);
                streams
            });
            *next = (*next + 1) % SHARDS;
            if looked_at >= most {
                break;
            }
        }
        ended
    }

    fn judge_shard(&self, now: u32, table: &mut StreamTable<Watched>, ended: &mut Vec<Ended>) {
        let over: Vec<(Slot, u64)> = table
            .slots()
            .filter_map(|(slot, entry)| Some((slot, self.end_of(now, entry)?)))
            .collect();
        for (slot, at_ns) in over {
            if let Some(Entry { id, value, .. }) = table.remove(slot)
                && let Some(name) = value.name
            {
                ended.push(Ended { id, at_ns, name });
            }
        }
    }

    /// Returns when a stream ended, if it has.
    fn end_of(&self, now: u32, entry: &Entry<Watched>) -> Option<u64> {
        let silent_ms = u64::from(now.saturating_sub(entry.seen)) * TICK_MS;
        let watched = &entry.value;
        let usual = self.rules.silence.and_then(|rules| {
            let usual_ms = watched.rhythm.interval_ms()?.max(rules.min_interval_ms);
            (usual_ms <= rules.max_interval_ms).then_some((rules, usual_ms))
        });
        let half_ms = match usual {
            Some((rules, usual_ms)) => {
                let patience = usual_ms.saturating_mul(rules.missed_intervals.into());
                let patience = patience.max(rules.at_least_ms).min(self.rules.forget_after_ms);
                (silent_ms >= patience).then_some(usual_ms / 2)
            }
            None => (silent_ms >= self.rules.forget_after_ms).then_some(self.rules.forget_after_ms / 2),
        }?;
        let half_ns = half_ms.max(1).saturating_mul(1_000_000);
        Some(watched.time_ns.saturating_add(half_ns))
    }

    /// Shows the pieces of the names of streams, in order of the names: those that share their first pieces come together.
    pub fn show(&self, ended: &mut [Ended], mut show: impl FnMut(&Ended, &mut dyn Iterator<Item = &[u8]>)) {
        ended.sort_by(|a, b| a.name.cmp(&b.name));
        let pieces = self.pieces();
        for one in ended {
            show(one, &mut pieces.read(&one.name));
        }
    }

    /// Gives the names of streams back.
    pub fn release(&self, ended: Vec<Ended>) {
        let mut pieces = self.pieces();
        ended.into_iter().for_each(|one| pieces.release(one.name));
    }

    fn give_back(&self, name: Option<Name>) {
        if let Some(name) = name {
            self.pieces().release(name);
        }
    }

    /// Locked after a shard, never before.
    fn pieces(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tick(now_ms: u64) -> u32 {
    u32::try_from(now_ms / TICK_MS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
