//! Which series and values there are.
//!
//! Locks are taken in one order: a table of series, values or timelines first, then the groups. So what is looked up and what is
//! counted for it change together, and the same new series in two batches counts once.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use weir_streams::{Budget, Entry, Full, Limits, SHARDS, Shards, StreamId, StreamTable, Weigh};

use crate::groups::{GroupRef, Groups, Place, SPARE};
use crate::limit::Limit;

/// All series and values that count, exactly: 128 bits stand for each, and 20 bytes go with them.
#[derive(Debug)]
pub(crate) struct State {
    series: Shards<Member>,
    values: Shards<Member>,
    timelines: Shards<Timeline>,
    groups: Groups,
    /// Most series in all.
    total: u64,
    series_now: AtomicU64,
    values_now: AtomicU64,
    budget: Arc<Budget>,
    /// Seconds after which what is seen is noted again. What is remembered of a time is at most this old.
    refresh: u32,
    /// Seconds of silence after which something is forgotten.
    keep: u32,
}

/// A series or value: the group that it counts against, and whether it is a merged series.
#[derive(Debug, Clone, Copy)]
struct Member(NonZeroU32);

impl Member {
    fn new(group: GroupRef, merged: bool) -> Self {
        Self(match merged {
            true => group.bits() | SPARE,
            false => group.bits(),
        })
    }

    fn group(self) -> GroupRef {
        GroupRef::from_bits(NonZeroU32::new(self.0.get() & !SPARE).expect("a group is never 0"))
    }

    const fn is_merged(self) -> bool {
        self.0.get() & SPARE != 0
    }
}

impl Weigh for Member {
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// Up to when a merged series has said something.
#[derive(Debug, Clone, Copy)]
struct Timeline {
    /// Unix time in nanoseconds; 0 if it has not.
    until_ns: u64,
}

impl Weigh for Timeline {
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// Where a series counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// As one of a tenant and of a metric.
    Own {
        /// All series of the tenant.
        tenant: Place,
        /// Its series of the metric.
        metric: Place,
    },
    /// As one of the overflow series of a tenant.
    Overflow(Place),
}

/// Two points of one series are at least this far apart: a millisecond is what remote write can tell apart.
const STEP_NS: u64 = 1_000_000;

impl State {
    /// Makes an empty state for at most `total` series. `window` is in seconds.
    pub(crate) fn new(total: u64, window: u32, limits: Limits) -> Self {
        let budget = Arc::new(Budget::new(limits));
        let refresh = (window / 8).max(1);
        Self {
            series: Shards::sharing(Arc::clone(&budget)),
            values: Shards::sharing(Arc::clone(&budget)),
            timelines: Shards::sharing(Arc::clone(&budget)),
            groups: Groups::new(Arc::clone(&budget)),
            total,
            series_now: AtomicU64::new(0),
            values_now: AtomicU64::new(0),
            budget,
            refresh,
            keep: window.saturating_add(refresh),
        }
    }

    /// Returns the number of series.
    pub(crate) fn series(&self) -> u64 {
        self.series_now.load(Ordering::Relaxed)
    }

    /// Returns the number of values.
    pub(crate) fn values(&self) -> u64 {
        self.values_now.load(Ordering::Relaxed)
    }

    /// Returns the bytes that all of it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.budget.bytes()
    }

    /// Returns how full the limit is that is nearest to being met, from 0 to 1.
    pub(crate) fn fullest(&self) -> f64 {
        let total = self.series() as f64 / self.total as f64;
        let limits = self.budget.limits();
        let bytes = self.budget.bytes() as f64 / limits.bytes as f64;
        self.groups.fullest().max(total).max(bytes)
    }

    /// Looks up the series of a batch. Returns for each whether its point may pass without being looked at: the series is known, seen not
    /// long ago, and nothing is merged into it.
    pub(crate) fn pass(&self, ids: &[StreamId], now: u32) -> Vec<bool> {
        let order = Order::of(ids);
        let mut pass = vec![false; ids.len()];
        for shard in 0..SHARDS {
            let ordinals = order.of_shard(shard);
            if ordinals.is_empty() {
                continue;
            }
            self.series.with(shard, |table, ()| {
                for ordinal in ordinals {
                    let entry = table
                        .find(ids[*ordinal as usize])
                        .and_then(|slot| table.get(slot));
                    pass[*ordinal as usize] = entry.is_some_and(|entry| {
                        !entry.value.is_merged() && now.saturating_sub(entry.seen) < self.refresh
                    });
                }
            });
        }
        pass
    }

    /// Notes that a series was seen, and counts it if it is new. `merged`: several streams go into it.
    ///
    /// # Errors
    ///
    /// The [`Limit`] that leaves no room for it: it does not count.
    pub(crate) fn series_seen(&self, id: StreamId, now: u32, home: Home, merged: bool) -> Result<(), Limit> {
        self.series.with(Shards::<Member>::shard_of(id), |table, ()| {
            if let Some(slot) = table.find(id) {
                table.touch(slot, now);
                if merged {
                    self.begin_timeline(id, now)?;
                    table.change(slot, |entry| {
                        entry.value = Member::new(entry.value.group(), true);
                    });
                }
                return Ok(());
            }
            let group = self.take(home)?;
            let value = Member::new(group, merged);
            let inserted = table.insert(Entry { id, seen: now, value });
            let slot = inserted.map_err(|_| self.give_back(group))?;
            if merged && let Err(limit) = self.begin_timeline(id, now) {
                table.remove(slot);
                self.give_back(group);
                return Err(limit);
            }
            Ok(())
        })
    }

    /// Notes that a value of an attribute was seen, and counts it if it is new.
    ///
    /// # Errors
    ///
    /// The [`Limit`] that leaves no room for it: it does not count.
    pub(crate) fn value_seen(
        &self,
        id: StreamId,
        now: u32,
        attribute: impl FnOnce() -> Place,
    ) -> Result<(), Limit> {
        self.values.with(Shards::<Member>::shard_of(id), |table, ()| {
            if let Some(slot) = table.find(id) {
                table.touch(slot, now);
                return Ok(());
            }
            let group = self.groups.take(attribute(), None);
            let group = group.map_err(|full| limit_of(full, Limit::Attribute))?;
            let value = Member::new(group, false);
            if table.insert(Entry { id, seen: now, value }).is_err() {
                self.groups.give_back(group);
                return Err(Limit::Bytes);
            }
            self.values_now.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }

    /// Takes a place for a series in every group that it counts against.
    fn take(&self, home: Home) -> Result<GroupRef, Limit> {
        let group = match home {
            Home::Overflow(place) => self
                .groups
                .take(place, None)
                .map_err(|full| limit_of(full, Limit::Tenant)),
            Home::Own { tenant, metric } => self
                .groups
                .take(tenant, None)
                .map_err(|full| limit_of(full, Limit::Tenant))
                .and_then(|tenant| {
                    self.groups.take(metric, Some(tenant)).map_err(|full| {
                        self.groups.give_back(tenant);
                        limit_of(full, Limit::Metric)
                    })
                }),
        }?;
        let relaxed = Ordering::Relaxed;
        let more = |now| (now < self.total).then_some(now + 1);
        match self.series_now.fetch_update(relaxed, relaxed, more) {
            Ok(_) => Ok(group),
            Err(_) => {
                self.groups.give_back(group);
                Err(Limit::Total)
            }
        }
    }

    /// Gives back the places of a series. Returns the limit that a failed insertion stands for.
    fn give_back(&self, group: GroupRef) -> Limit {
        self.groups.give_back(group);
        self.series_now.fetch_sub(1, Ordering::Relaxed);
        Limit::Bytes
    }

    fn begin_timeline(&self, id: StreamId, now: u32) -> Result<(), Limit> {
        self.timelines
            .with(Shards::<Timeline>::shard_of(id), |table, ()| {
                if let Some(slot) = table.find(id) {
                    table.touch(slot, now);
                    return Ok(());
                }
                let value = Timeline { until_ns: 0 };
                let inserted = table.insert(Entry { id, seen: now, value });
                inserted.map(drop).map_err(|_| Limit::Bytes)
            })
    }

    /// Lets a merged series say what was measured from `start_ns` to `time_ns`, both Unix time in nanoseconds, `start_ns` 0 if unset.
    /// Returns from when to when its point is to be: it begins where the last one ended, and ends later.
    pub(crate) fn advance(&self, id: StreamId, now: u32, start_ns: u64, time_ns: u64) -> Span {
        self.change_timeline(id, |entry| {
            entry.seen = now;
            let before_ns = entry.value.until_ns;
            let span = Span::after(before_ns, start_ns, time_ns);
            entry.value.until_ns = span.time_ns;
            span
        })
        .unwrap_or_else(|| Span::after(0, start_ns, time_ns))
    }

    /// Takes back what [`Self::advance`] did, unless the series has gone on since.
    pub(crate) fn roll_back(&self, id: StreamId, span: Span) {
        self.change_timeline(id, |entry| {
            if entry.value.until_ns == span.time_ns {
                entry.value.until_ns = span.before_ns;
            }
        });
    }

    fn change_timeline<R>(&self, id: StreamId, change: impl FnOnce(&mut Entry<Timeline>) -> R) -> Option<R> {
        self.timelines
            .with(Shards::<Timeline>::shard_of(id), |table, ()| {
                let slot = table.find(id)?;
                table.change(slot, change)
            })
    }

    /// Forgets what has been silent for longer than the window. Returns how many series.
    pub(crate) fn sweep(&self, now: u32) -> u64 {
        // Series before values: a value is noted whenever a series with it is, so it is never forgotten before them.
        let series = self.sweep_members(&self.series, now);
        self.series_now.fetch_sub(series, Ordering::Relaxed);
        let values = self.sweep_members(&self.values, now);
        self.values_now.fetch_sub(values, Ordering::Relaxed);
        for shard in 0..SHARDS {
            self.timelines.with(shard, |table, ()| {
                table.sweep(|entry| self.is_stale(entry.seen, now));
            });
        }
        series
    }

    fn sweep_members(&self, members: &Shards<Member>, now: u32) -> u64 {
        let mut forgotten = 0;
        for shard in 0..SHARDS {
            let groups = members.with(shard, |table: &mut StreamTable<Member>, ()| {
                let mut groups = Vec::new();
                table.sweep(|entry| {
                    let stale = self.is_stale(entry.seen, now);
                    if stale {
                        groups.push(entry.value.group());
                    }
                    stale
                });
                groups
            });
            forgotten += groups.len() as u64;
            groups.into_iter().for_each(|group| self.groups.give_back(group));
        }
        forgotten
    }

    const fn is_stale(&self, seen: u32, now: u32) -> bool {
        now.saturating_sub(seen) > self.keep
    }
}

/// What a point of a merged series covers, Unix time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// End of the point before; 0 if there is none.
    before_ns: u64,
    /// 0 if unset.
    pub(crate) start_ns: u64,
    pub(crate) time_ns: u64,
}

impl Span {
    fn after(before_ns: u64, start_ns: u64, time_ns: u64) -> Self {
        if before_ns == 0 {
            return Self {
                before_ns,
                start_ns: start_ns.min(time_ns),
                time_ns,
            };
        }
        Self {
            before_ns,
            start_ns: before_ns,
            time_ns: time_ns.max(before_ns.saturating_add(STEP_NS)),
        }
    }
}

const fn limit_of(full: Full, of_group: Limit) -> Limit {
    match full {
        Full::Streams => of_group,
        Full::Bytes => Limit::Bytes,
    }
}

/// Ordinals of points by shard.
struct Order {
    ordinals: Vec<u32>,
    /// Where the points of each shard begin.
    starts: [usize; SHARDS + 1],
}

impl Order {
    fn of(ids: &[StreamId]) -> Self {
        let shard_of = |id: &StreamId| Shards::<Member>::shard_of(*id);
        let mut starts = [0; SHARDS + 1];
        for id in ids {
            starts[shard_of(id) + 1] += 1;
        }
        for shard in 0..SHARDS {
            starts[shard + 1] += starts[shard];
        }
        let mut ends = starts;
        let mut ordinals = vec![0; ids.len()];
        for (ordinal, id) in (0..).zip(ids) {
            let end = &mut ends[shard_of(id)];
            ordinals[*end] = ordinal;
            *end += 1;
        }
        Self { ordinals, starts }
    }

    fn of_shard(&self, shard: usize) -> &[u32] {
        &self.ordinals[self.starts[shard]..self.starts[shard + 1]]
    }
}

#[cfg(test)]
mod tests;
