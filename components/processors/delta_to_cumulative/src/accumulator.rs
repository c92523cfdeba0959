//! Adds points to their streams: one walk over the shards for a batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use weir_streams::{Budget, Entry, Limits, SHARDS, Shards, Slot, StreamId, StreamTable};

use crate::decision::{Decision, Reason, Tally};
use crate::frame::Frame;
use crate::shelf::Shelved;
use crate::stream::{Content, Point, Standing, Stream};
use crate::waiting::{Place, Released, Waiter, Waiting};

/// The streams, and the order in which batches are added to them.
#[derive(Debug)]
pub(crate) struct Accumulator {
    pub(crate) shards: Shards<Stream, Waiting>,
    /// Number of the next walk.
    next: AtomicU64,
    /// How long points wait for older ones, if they do, in milliseconds.
    window_ms: Option<u64>,
    /// Whether what changes is written down.
    journaled: bool,
}

/// When a walk takes place, from the start of the processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) seconds: u32,
    pub(crate) millis: u64,
}

/// What a walk did.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Place in the order of walks.
    pub(crate) number: u64,
    /// What becomes of each point, in the order in which they came.
    pub(crate) decisions: Vec<Decision>,
    /// Points that have waited.
    pub(crate) released: Vec<Released>,
    /// Shelved batches of which nothing waits any more.
    pub(crate) finished: Vec<Arc<Shelved>>,
    /// Every stream that changed as it is now, if that is written down.
    pub(crate) frame: Option<Frame>,
    pub(crate) tally: Tally,
}

/// What of a walk belongs to it alone.
struct Step<'a> {
    accumulator: &'a Accumulator,
    now: Now,
    shelved: Option<&'a Arc<Shelved>>,
    outcome: Outcome,
}

impl Accumulator {
    pub(crate) fn new(limits: Limits, window_ms: Option<u64>, journaled: bool) -> Self {
        Self {
            shards: Shards::new(limits),
            next: AtomicU64::new(0),
            window_ms,
            journaled,
        }
    }

    /// Sets the number of the next walk. Called before the first.
    pub(crate) fn begin(&self, number: u64) {
        self.next.store(number, Ordering::Relaxed);
    }

    /// Returns the number of the next walk.
    pub(crate) fn next_number(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    pub(crate) fn budget(&self) -> &Budget {
        self.shards.budget()
    }

    /// Returns a number once all walks before it have passed all shards, and done what they do last.
    pub(crate) fn barrier(&self) -> u64 {
        let (mut walk, number) = self.shards.walk(|| self.next_number());
        while walk.next(|_, _, _| ()).is_some() {}
        number
    }

    /// Adds points to their streams, and lets those go that need not wait any longer. `shelve` makes a place for points that wait, given
    /// the walk's number. `last` runs before any later walk can do its last thing: what it does is in the order of walks.
    pub(crate) fn add(
        &self,
        points: Vec<Point>,
        now: Now,
        shelve: impl FnOnce(u64) -> Option<Arc<Shelved>>,
        last: impl FnOnce(&mut Outcome, Option<&Arc<Shelved>>),
    ) -> Outcome {
        let order = Order::of(&points);
        let mut points = points;
        // Room is made now: under a lock there is no time for it.
        let frame = self.journaled.then(|| Frame::with_room(points.len()));
        let (mut walk, number) = self.shards.walk(|| self.next.fetch_add(1, Ordering::Relaxed));
        let shelved = shelve(number);
        let mut step = Step {
            accumulator: self,
            now,
            shelved: shelved.as_ref(),
            outcome: Outcome {
                number,
                decisions: vec![Decision::Drop(Reason::Invalid); points.len()],
                released: Vec::new(),
                finished: Vec::new(),
                frame,
                tally: Tally::default(),
            },
        };
        let mut last = Some(last);
        let mut slots = Vec::new();
        while walk
            .next(|shard, table, waiting| {
                if let Some(frame) = &mut step.outcome.frame {
                    frame.enter(shard);
                }
                step.shard(order.of_shard(shard), &mut points, table, waiting, &mut slots);
                if shard + 1 == SHARDS
                    && let Some(last) = last.take()
                {
                    last(&mut step.outcome, shelved.as_ref());
                }
            })
            .is_some()
        {}
        step.outcome
    }

    /// Forgets streams that were not seen for `stale` seconds. Returns how many.
    pub(crate) fn sweep(&self, now: Now, stale: u32) -> usize {
        (0..SHARDS)
            .map(|shard| {
                self.shards.with(shard, |table, waiting| {
                    table.sweep(|entry| {
                        now.seconds.saturating_sub(entry.seen) > stale && waiting.oldest(entry.id).is_none()
                    })
                })
            })
            .sum()
    }
}

impl Step<'_> {
    /// Does all that is to be done in one shard.
    fn shard(
        &mut self,
        ordinals: &[u32],
        points: &mut [Point],
        table: &mut StreamTable<Stream>,
        waiting: &mut Waiting,
        slots: &mut Vec<Option<Slot>>,
    ) {
        // All look-ups in a row, so that their misses in the cache overlap.
        slots.clear();
        slots.extend(
            ordinals
                .iter()
                .map(|ordinal| table.find(points[*ordinal as usize].id)),
        );
        for (ordinal, slot) in ordinals.iter().zip(slots.iter()) {
            let point = &mut points[*ordinal as usize];
            let decision = self.point(*ordinal, point, *slot, table, waiting);
            self.outcome.tally.count(&decision);
            self.outcome.decisions[*ordinal as usize] = decision;
        }
        if self.accumulator.window_ms.is_some() {
            while let Some((id, time_ns)) = waiting.next_due(self.now.millis) {
                self.release(id, Some(time_ns), table, waiting);
            }
        }
    }

    fn point(
        &mut self,
        ordinal: u32,
        point: &mut Point,
        slot: Option<Slot>,
        table: &mut StreamTable<Stream>,
        waiting: &mut Waiting,
    ) -> Decision {
        // A stream that was new may be known by now.
        let slot = slot.or_else(|| table.find(point.id));
        let stream = slot.and_then(|slot| table.get(slot)).map(|entry| &entry.value);
        match &point.content {
            Content::Invalid => return Decision::Drop(Reason::Invalid),
            Content::Nothing => {
                return match stream {
                    Some(stream) if point.time_ns < stream.time_ns => Decision::Drop(Reason::OutOfOrder),
                    stream => Decision::Nothing {
                        start_ns: stream.map_or(0, |stream| stream.start_ns),
                    },
                };
            }
            Content::Delta(_) => {}
        }
        let continues = match stream.map(|stream| (stream, stream.standing(point))) {
            None => false,
            Some((stream, Standing::Newer)) => stream.continues_with(point.start_ns),
            Some((_, Standing::OlderStart)) => return Decision::Drop(Reason::OlderStart),
            Some((_, Standing::OutOfOrder)) => return Decision::Drop(Reason::OutOfOrder),
            Some((stream, Standing::Repeated)) => {
                self.outcome.tally.repeated += 1;
                let decision = Decision::Total {
                    start_ns: stream.start_ns,
                    total: stream.total.clone(),
                };
                if let Some(slot) = slot {
                    table.touch(slot, self.now.seconds);
                }
                return decision;
            }
        };
        if !continues && let Some(decision) = self.wait(ordinal, point, slot, table, waiting) {
            return decision;
        }
        if self.accumulator.window_ms.is_none() {
            return self.take(point, slot, table);
        }
        // What waits and is older goes first, what follows on goes after it.
        if let Some(before) = point.time_ns.checked_sub(1) {
            self.release(point.id, Some(before), table, waiting);
        }
        let slot = table.find(point.id);
        let decision = self.take(point, slot, table);
        self.release(point.id, None, table, waiting);
        decision
    }

    /// Lets a point wait if points wait, and there is room. Returns what becomes of it then.
    fn wait(
        &mut self,
        ordinal: u32,
        point: &mut Point,
        slot: Option<Slot>,
        table: &mut StreamTable<Stream>,
        waiting: &mut Waiting,
    ) -> Option<Decision> {
        let (window_ms, shelved) = (self.accumulator.window_ms?, self.shelved?);
        let budget = self.accumulator.budget();
        if slot.is_none() && budget.streams() >= budget.limits().streams {
            return Some(Decision::Drop(Reason::Limit));
        }
        // Without room it does not wait: what is older and still comes will be too late, which is less than losing this one.
        budget.reserve(WAITER_BYTES).ok()?;
        let waiter = Waiter {
            point: point.clone(),
            place: Place {
                shelved: Arc::clone(shelved),
                ordinal,
            },
        };
        if !waiting.add(waiter, self.now.millis + window_ms) {
            budget.resize(WAITER_BYTES, 0);
            return Some(Decision::Drop(Reason::Duplicate));
        }
        if let Some(slot) = slot {
            table.touch(slot, self.now.seconds);
        }
        Some(Decision::Wait)
    }

    /// Lets the points of a stream go that wait, oldest first: those up to a time, and those that follow on.
    fn release(
        &mut self,
        id: StreamId,
        until_ns: Option<u64>,
        table: &mut StreamTable<Stream>,
        waiting: &mut Waiting,
    ) {
        while let Some(oldest) = waiting.oldest(id) {
            let slot = table.find(id);
            let stream = slot.and_then(|slot| table.get(slot));
            let follows = stream.is_some_and(|entry| entry.value.continues_with(oldest.start_ns));
            if !follows && until_ns.is_none_or(|until| oldest.time_ns > until) {
                return;
            }
            let Some(Waiter { mut point, place }) = waiting.take_oldest(id) else {
                return;
            };
            let standing = stream.map(|entry| entry.value.standing(&point));
            let decision = match standing {
                None | Some(Standing::Newer) => self.take(&mut point, slot, table),
                Some(Standing::OlderStart) => Decision::Drop(Reason::OlderStart),
                Some(Standing::OutOfOrder | Standing::Repeated) => Decision::Drop(Reason::OutOfOrder),
            };
            self.outcome.tally.count(&decision);
            self.accumulator.budget().resize(WAITER_BYTES, 0);
            if place.shelved.leave() {
                self.outcome.finished.push(Arc::clone(&place.shelved));
            }
            self.outcome.released.push(Released { place, decision });
        }
    }

    /// Adds a point to its stream, which it may be the first of.
    fn take(&mut self, point: &mut Point, slot: Option<Slot>, table: &mut StreamTable<Stream>) -> Decision {
        let Content::Delta(delta) = std::mem::replace(&mut point.content, Content::Nothing) else {
            return Decision::Drop(Reason::Invalid);
        };
        let (slot, all) = match slot {
            Some(slot) => {
                let reset = table.change(slot, |entry| {
                    entry.seen = self.now.seconds;
                    entry.value.add(point, delta)
                });
                let reset = reset == Some(true);
                self.outcome.tally.resets += u64::from(reset);
                (slot, reset)
            }
            None => {
                let entry = Entry {
                    id: point.id,
                    seen: self.now.seconds,
                    value: Stream::first(point, delta),
                };
                match table.insert(entry) {
                    Ok(slot) => (slot, true),
                    Err(_) => return Decision::Drop(Reason::Limit),
                }
            }
        };
        let Some(entry) = table.get(slot) else {
            return Decision::Drop(Reason::Limit);
        };
        if let Some(frame) = &mut self.outcome.frame {
            frame.put(slot, entry.id, &entry.value, all);
        }
        Decision::Total {
            start_ns: entry.value.start_ns,
            total: entry.value.total.clone(),
        }
    }
}

/// What a point that waits takes beside its share of its batch.
const WAITER_BYTES: usize = size_of::<Waiter>() + 64;

/// Points by shard, and within a shard by time.
struct Order {
    ordinals: Vec<u32>,
    /// Where the points of each shard begin.
    starts: [usize; SHARDS + 1],
}

impl Order {
    fn of(points: &[Point]) -> Self {
        let mut starts = [0; SHARDS + 1];
        for point in points {
            starts[shard_of(point) + 1] += 1;
        }
        for shard in 0..SHARDS {
            starts[shard + 1] += starts[shard];
        }
        let mut ends = starts;
        let mut ordinals = vec![0; points.len()];
        for (ordinal, point) in (0..).zip(points) {
            let end = &mut ends[shard_of(point)];
            ordinals[*end] = ordinal;
            *end += 1;
        }
        let time = |ordinal: &u32| points[*ordinal as usize].time_ns;
        for shard in 0..SHARDS {
            let own = &mut ordinals[starts[shard]..starts[shard + 1]];
            if !own.is_sorted_by_key(time) {
                own.sort_by_key(time);
            }
        }
        Self { ordinals, starts }
    }

    fn of_shard(&self, shard: usize) -> &[u32] {
        &self.ordinals[self.starts[shard]..self.starts[shard + 1]]
    }
}

fn shard_of(point: &Point) -> usize {
    Shards::<Stream, Waiting>::shard_of(point.id)
}

#[cfg(test)]
mod tests;
