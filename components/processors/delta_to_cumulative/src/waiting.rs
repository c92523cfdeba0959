//! Points that wait for older ones of their stream.
//!
//! Each shard knows which points of its streams wait, and until when. The points themselves stay in the batches that brought them,
//! [on the shelf](crate::shelf), and are written from there when they go on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use weir_streams::StreamId;

use crate::decision::Decision;
use crate::shelf::Shelved;
use crate::stream::Point;

/// What waits in one shard.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    streams: HashMap<StreamId, VecDeque<Waiter>>,
    /// When to look at whom, in order of time: all wait equally long.
    due: VecDeque<Due>,
}

/// A point that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) point: Point,
    pub(crate) place: Place,
}

/// Where a point is written from.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The batch that brought it.
    pub(crate) shelved: Arc<Shelved>,
    /// Which of its deltas it is.
    pub(crate) ordinal: u32,
}

/// A point that has waited, and what becomes of it.
#[derive(Debug)]
pub(crate) struct Released {
    pub(crate) place: Place,
    pub(crate) decision: Decision,
}

#[derive(Debug, Clone, Copy)]
struct Due {
    at_ms: u64,
    id: StreamId,
    time_ns: u64,
}

impl Waiting {
    /// Adds a point that waits until `at_ms`, which is not before that of any other. Returns false if it waits already.
    pub(crate) fn add(&mut self, waiter: Waiter, at_ms: u64) -> bool {
        let (id, time_ns) = (waiter.point.id, waiter.point.time_ns);
        let list = self.streams.entry(id).or_default();
        let behind = list.partition_point(|other| other.point.time_ns < time_ns);
        let same_time = list
            .range(behind..)
            .take_while(|other| other.point.time_ns == time_ns);
        if same_time
            .into_iter()
            .any(|other| other.point.digest == waiter.point.digest)
        {
            return false;
        }
        list.insert(behind, waiter);
        self.due.push_back(Due { at_ms, id, time_ns });
        true
    }

    /// Returns the oldest point of a stream that waits.
    pub(crate) fn oldest(&self, id: StreamId) -> Option<&Point> {
        Some(&self.streams.get(&id)?.front()?.point)
    }

    /// Takes the oldest point of a stream that waits.
    pub(crate) fn take_oldest(&mut self, id: StreamId) -> Option<Waiter> {
        let list = self.streams.get_mut(&id)?;
        let waiter = list.pop_front();
        if list.is_empty() {
            self.streams.remove(&id);
        }
        waiter
    }

    /// Returns a stream whose time has come, and up to which point.
    pub(crate) fn next_due(&mut self, now_ms: u64) -> Option<(StreamId, u64)> {
        let Due { id, time_ns, .. } = self.due.pop_front_if(|due| due.at_ms <= now_ms)?;
        Some((id, time_ns))
    }
}
