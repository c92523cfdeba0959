//! How many members count against each limit: the series of a tenant, the series of a metric, the values of an attribute.
//!
//! A group is there as long as it has members, so there are never more groups than members. Its count changes under the lock of its
//! table alone: it never goes beyond its limit, not even for a moment.

use std::num::NonZeroU32;
use std::sync::Arc;

use weir_streams::{Budget, Entry, Full, SHARDS, Shards, Slot, StreamId, StreamTable, Weigh};

/// Groups of one kind or several.
#[derive(Debug)]
pub(crate) struct Groups {
    table: Shards<Group>,
}

#[derive(Debug)]
struct Group {
    members: u64,
    limit: u64,
    /// The group that the members count against too.
    parent: Option<GroupRef>,
}

impl Weigh for Group {
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// Where a group stands, for as long as whoever holds this is a member of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupRef(NonZeroU32);

/// Bits of a [`GroupRef`] that are not used: whoever keeps one may have a flag there.
pub(crate) const SPARE: u32 = 1 << 31;

const SHARD_BITS: u32 = SHARDS.trailing_zeros();

/// Slots of a table that can be referred to: 67 million groups in each of 32 tables.
const SLOTS: u32 = (SPARE >> SHARD_BITS) - 1;

impl GroupRef {
    fn new(shard: usize, slot: Slot) -> Option<Self> {
        let bits = (slot < SLOTS).then(|| (slot + 1) << SHARD_BITS | shard as u32);
        bits.and_then(NonZeroU32::new).map(Self)
    }

    fn shard(self) -> usize {
        (self.0.get() & (SHARDS as u32 - 1)) as usize
    }

    fn slot(self) -> Slot {
        (self.0.get() >> SHARD_BITS) - 1
    }

    pub(crate) const fn bits(self) -> NonZeroU32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: NonZeroU32) -> Self {
        Self(bits)
    }
}

/// A group, and the most members it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) id: StreamId,
    pub(crate) limit: u64,
}

impl Groups {
    /// Makes room for groups within a budget of bytes.
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self {
            table: Shards::sharing(budget),
        }
    }

    /// Takes a place in a group for a new member, and returns the group. A group that is not there begins with it. The caller has taken
    /// a place in `parent` too.
    ///
    /// # Errors
    ///
    /// [`Full::Streams`] at the limit of the group, [`Full::Bytes`] if there is no room for the group itself.
    pub(crate) fn take(&self, place: Place, parent: Option<GroupRef>) -> Result<GroupRef, Full> {
        let Place { id, limit } = place;
        let shard = Shards::<Group>::shard_of(id);
        self.table.with(shard, |table, ()| {
            if let Some(slot) = table.find(id) {
                let taken = table.change(slot, |entry| {
                    let group = &mut entry.value;
                    let room = group.members < limit;
                    group.members += u64::from(room);
                    room
                });
                let group = GroupRef::new(shard, slot).filter(|_| taken == Some(true));
                return group.ok_or(Full::Streams);
            }
            if limit == 0 {
                return Err(Full::Streams);
            }
            begin(
                table,
                shard,
                id,
                Group {
                    members: 1,
                    limit,
                    parent,
                },
            )
        })
    }

    /// Gives back the place of a member, in a group and all above it. A group without members is no more.
    pub(crate) fn give_back(&self, group: GroupRef) {
        let mut next = Some(group);
        while let Some(group) = next {
            next = self.table.with(group.shard(), |table, ()| {
                let left = table.change(group.slot(), |entry| {
                    let group = &mut entry.value;
                    group.members = group.members.saturating_sub(1);
                    (group.members, group.parent)
                });
                let (members, parent) = left?;
                if members == 0 {
                    table.remove(group.slot());
                }
                parent
            });
        }
    }

    /// Returns how full the fullest group is, from 0 to 1.
    pub(crate) fn fullest(&self) -> f64 {
        let ratio = |entry: &Entry<Group>| entry.value.members as f64 / entry.value.limit as f64;
        (0..SHARDS)
            .map(|shard| {
                self.table
                    .with(shard, |table, ()| table.iter().map(ratio).fold(0.0, f64::max))
            })
            .fold(0.0, f64::max)
    }

    /// Returns the number of groups.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        (0..SHARDS)
            .map(|shard| self.table.with(shard, |table, ()| table.len()))
            .sum()
    }
}

fn begin(table: &mut StreamTable<Group>, shard: usize, id: StreamId, value: Group) -> Result<GroupRef, Full> {
    let slot = table.insert(Entry { id, seen: 0, value })?;
    GroupRef::new(shard, slot).ok_or_else(|| {
        table.remove(slot);
        Full::Bytes
    })
}
