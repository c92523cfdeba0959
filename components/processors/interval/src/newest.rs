//! The newest point of each stream.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_streams::{Budget, Entry, Limits, SHARDS, Shards, StreamId, Weigh};

use crate::homes::Home;

/// A point that is held.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Unix time in nanoseconds.
    time_ns: u64,
    pub(crate) home: Arc<Home>,
    /// As it was sent.
    pub(crate) point: Box<[u8]>,
}

impl Weigh for Held {
    fn heap_bytes(&self) -> usize {
        self.point.len()
    }
}

/// What became of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is held, as the only one of its stream.
    First,
    /// It is held in place of an older one.
    Newer,
    /// It is not newer than the one that is held.
    Late,
    /// There is no room for one more stream.
    Full,
}

/// Streams by the order of their homes.
pub(crate) type Plan = BTreeMap<[u64; 3], (Arc<Home>, Vec<StreamId>)>;

/// The table.
#[derive(Debug)]
pub(crate) struct Newest {
    table: Shards<Held>,
}

impl Newest {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            table: Shards::new(limits),
        }
    }

    pub(crate) fn budget(&self) -> &Arc<Budget> {
        self.table.budget()
    }

    /// Holds a point if it is the newest of its stream.
    pub(crate) fn keep(&self, id: StreamId, time_ns: u64, home: &Arc<Home>, point: &[u8]) -> Kept {
        self.table.with(Shards::<Held>::shard_of(id), |table, ()| {
            let Some(slot) = table.find(id) else {
                let value = Held {
                    time_ns,
                    home: Arc::clone(home),
                    point: point.into(),
                };
                let entry = Entry { id, seen: 0, value };
                return match table.insert(entry) {
                    Ok(_) => Kept::First,
                    Err(_) => Kept::Full,
                };
            };
            let newer = |entry: &mut Entry<Held>| {
                let held = &mut entry.value;
                if time_ns <= held.time_ns {
                    return Kept::Late;
                }
                held.time_ns = time_ns;
                match held.point.len() == point.len() {
                    true => held.point.copy_from_slice(point),
                    false => held.point = point.into(),
                }
                Kept::Newer
            };
            table.change(slot, newer).unwrap_or(Kept::Full)
        })
    }

    /// Takes the point of a stream out.
    pub(crate) fn take(&self, id: StreamId) -> Option<Entry<Held>> {
        self.table.with(Shards::<Held>::shard_of(id), |table, ()| {
            table.find(id).and_then(|slot| table.remove(slot))
        })
    }

    /// Holds a point again that was taken out, even beyond the limits. Returns false if another point of the stream has come since:
    /// then only the newer of the two is held.
    pub(crate) fn put_back(&self, entry: Entry<Held>) -> bool {
        self.table.with(Shards::<Held>::shard_of(entry.id), |table, ()| {
            let Some(since) = table.find(entry.id) else {
                table.put_back(entry);
                return true;
            };
            table.change(since, |since| {
                if since.value.time_ns < entry.value.time_ns {
                    *since = entry;
                }
            });
            false
        })
    }

    /// Adds the streams of one shard to a plan.
    pub(crate) fn plan(&self, shard: usize, plan: &mut Plan) {
        self.table.with(shard, |table, ()| {
            for Entry { id, value, .. } in table.iter() {
                let home = || (Arc::clone(&value.home), Vec::new());
                plan.entry(value.home.order).or_insert_with(home).1.push(*id);
            }
        });
    }

    /// Forgets all points. Returns how many.
    pub(crate) fn clear(&self) -> usize {
        let clear = |shard| self.table.with(shard, |table, ()| table.sweep(|_| true));
        (0..SHARDS).map(clear).sum()
    }
}
