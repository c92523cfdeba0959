//! What waits in a queue, in the order in which it is taken.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::{Add, AddAssign, SubAssign};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use weir_component::{Batch, Context};

use super::rules::Assembly;
use super::ticket::Ticket;
use crate::merge;

/// Size of a batch in both units that limits are given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Size {
    pub(super) items: usize,
    pub(super) bytes: usize,
}

impl Size {
    /// Measures a batch: free on the wire form, a walk on the decoded one.
    pub(super) fn of(batch: &Batch) -> Self {
        Self {
            items: batch.items(),
            bytes: batch.bytes(),
        }
    }
}

impl Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            items: self.items.saturating_add(other.items),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Size {
    fn sub_assign(&mut self, other: Self) {
        self.items -= other.items;
        self.bytes -= other.bytes;
    }
}

/// A request, or a part of one that was cut.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) batch: Batch,
    pub(super) size: Size,
    /// The place of the request; shared by its parts.
    pub(super) ticket: Arc<Ticket>,
}

/// One delivery's worth of entries.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) batch: Batch,
    pub(super) size: Size,
    /// Whose they are, with their items, in order.
    pub(super) tickets: Vec<(Arc<Ticket>, usize)>,
}

/// What waits, apart where it must not mix. The oldest entry that is due is always taken first.
///
/// Every partition has at least one entry, so their number is bounded by the queue's.
#[derive(Debug)]
pub(super) struct Waiting {
    assembly: Assembly,
    /// By the number of their oldest entry.
    partitions: BTreeMap<u64, Partition>,
    /// Numbers of the partitions by what they have in common.
    numbers: HashMap<Context, u64>,
    /// Those that need not wait for more.
    enough: BTreeSet<u64>,
    next_number: u64,
}

#[derive(Debug)]
struct Partition {
    common: Context,
    entries: VecDeque<Numbered>,
    size: Size,
}

#[derive(Debug)]
struct Numbered {
    number: u64,
    arrived: Instant,
    entry: Entry,
}

impl Waiting {
    pub(super) fn new(assembly: Assembly) -> Self {
        Self {
            assembly,
            partitions: BTreeMap::new(),
            numbers: HashMap::new(),
            enough: BTreeSet::new(),
            next_number: 0,
        }
    }

    /// Adds an entry that arrived `now`, behind all others of its partition.
    pub(super) fn push(&mut self, entry: Entry, now: Instant) {
        let number = self.next_number;
        self.next_number += 1;
        let common = self.assembly.partition(entry.batch.context());
        let first = *self.numbers.entry(common.clone()).or_insert(number);
        let partition = self.partitions.entry(first).or_insert_with(|| Partition {
            common,
            entries: VecDeque::new(),
            size: Size::default(),
        });
        partition.size += entry.size;
        partition.entries.push_back(Numbered {
            number,
            arrived: now,
            entry,
        });
        if self.assembly.is_enough(partition.size) {
            self.enough.insert(first);
        }
    }

    /// Takes what is due `now`, or the oldest in any case if nothing more will come; none if nothing is due.
    pub(super) fn take(&mut self, now: Instant, last: bool) -> Option<Taken> {
        let number = self.due(now, last)?;
        self.enough.remove(&number);
        let mut partition = self.partitions.remove(&number)?;
        let taken = partition.take(&self.assembly);
        match partition.entries.front().map(|oldest| oldest.number) {
            None => {
                self.numbers.remove(&partition.common);
            }
            Some(number) => {
                self.numbers.insert(partition.common.clone(), number);
                if self.assembly.is_enough(partition.size) {
                    self.enough.insert(number);
                }
                self.partitions.insert(number, partition);
            }
        }
        taken
    }

    /// Returns the number of the oldest partition that is due.
    fn due(&self, now: Instant, last: bool) -> Option<u64> {
        let (oldest, partition) = self.partitions.first_key_value()?;
        if last || partition.age(now) >= self.assembly.patience() {
            return Some(*oldest);
        }
        self.enough.first().copied()
    }

    /// Returns how long after `now` something will be due even if nothing more comes; none if nothing waits.
    pub(super) fn patience(&self, now: Instant) -> Option<Duration> {
        let (_, oldest) = self.partitions.first_key_value()?;
        Some(self.assembly.patience().saturating_sub(oldest.age(now)))
    }

    /// Empties the queue.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Entry> {
        self.numbers.clear();
        self.enough.clear();
        let partitions = std::mem::take(&mut self.partitions).into_values();
        partitions
            .flat_map(|partition| partition.entries)
            .map(|numbered| numbered.entry)
    }
}

impl Partition {
    fn age(&self, now: Instant) -> Duration {
        self.entries.front().map_or(Duration::ZERO, |oldest| {
            now.saturating_duration_since(oldest.arrived)
        })
    }

    /// Takes the oldest entry and those behind it that may be merged with it.
    fn take(&mut self, assembly: &Assembly) -> Option<Taken> {
        let Entry { batch, size, ticket } = self.entries.pop_front()?.entry;
        let batched = matches!(assembly, Assembly::Batches(_));
        let mut taken = Taken {
            tickets: vec![(ticket, size.items)],
            batch,
            size,
        };
        while let Some(next) = self.entries.front().map(|next| &next.entry) {
            let mixes = taken.batch.signal() == next.batch.signal()
                && (batched || merge::mix(taken.batch.context(), next.batch.context()));
            if !mixes || !assembly.has_room(taken.size, next.size) {
                break;
            }
            let Some(Numbered { entry, .. }) = self.entries.pop_front() else {
                break;
            };
            taken.batch.append(entry.batch).expect("signals compared above");
            taken.size += entry.size;
            taken.tickets.push((entry.ticket, entry.size.items));
        }
        if batched && taken.tickets.len() > 1 {
            taken.batch = taken.batch.with_context(self.common.clone());
        }
        self.size -= taken.size;
        Some(taken)
    }
}
