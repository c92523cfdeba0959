//! What is in the storage, and how a batch gets there.
//!
//! | key | value |
//! |---|---|
//! | `m` | [`Meta`]: what the rest depends on |
//! | `p`, shard (1 byte), page (4 bytes) | a page of streams, as of some moment since the last checkpoint began |
//! | `w`, number (8 bytes) | the points of one batch that wait |
//! | `z`, number (8 bytes) | the [streams that one batch changed](crate::frame), as they were after it |
//!
//! Numbers in keys are big-endian, so that keys are in their order. The journal, `z`, holds states and not deltas: reading it
//! again, or reading what a page has already, changes nothing. It stands last, where a store that is a tree appends with the least to do.

use std::sync::Arc;

use weir_component::{Changes, Commit, Store};

use crate::frame::Frame;
use crate::shelf::Shelved;

/// First byte of [`Meta`].
const VERSION: u8 = 2;

pub(crate) const META: &[u8] = b"m";
pub(crate) const PAGE: u8 = b'p';
pub(crate) const FRAME: u8 = b'z';
pub(crate) const WAITING: u8 = b'w';

/// What all stored streams depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Seed of the identities.
    pub(crate) seed: u64,
}

impl Meta {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(self.seed.to_le_bytes());
        out
    }

    /// Reads what [`Self::encode`] wrote; `None` if it is of another version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [VERSION, seed @ ..] => Some(Self {
                seed: u64::from_le_bytes(seed.try_into().ok()?),
            }),
            _ => None,
        }
    }
}

/// Returns the key of a page.
pub(crate) fn page_key(shard: usize, page: usize) -> [u8; 6] {
    let [_, _, _, shard] = (shard as u32).to_be_bytes();
    let [a, b, c, d] = (page as u32).to_be_bytes();
    [PAGE, shard, a, b, c, d]
}

/// Reads the key of a page.
pub(crate) fn page_of(key: &[u8]) -> Option<(usize, usize)> {
    match *key {
        [PAGE, shard, a, b, c, d] => Some((usize::from(shard), u32::from_be_bytes([a, b, c, d]) as usize)),
        _ => None,
    }
}

/// Returns the key of something that belongs to one batch.
pub(crate) fn numbered_key(kind: u8, number: u64) -> [u8; 9] {
    let mut key = [kind; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Reads the key of something that belongs to one batch.
pub(crate) fn number_of(key: &[u8]) -> Option<u64> {
    let (_, number) = key.split_first()?;
    Some(u64::from_be_bytes(number.try_into().ok()?))
}

/// The storage of one processor.
pub(crate) struct Journal {
    pub(crate) store: Arc<dyn Store>,
}

/// What a batch changed, to be written down.
#[derive(Debug, Default)]
pub(crate) struct Record {
    changes: Changes,
}

impl Record {
    /// Adds the streams that changed.
    pub(crate) fn streams(&mut self, number: u64, frame: Option<Frame>) {
        if let Some(frame) = frame.and_then(Frame::into_bytes) {
            self.changes.put(&numbered_key(FRAME, number), frame);
        }
    }

    /// Adds points that wait.
    pub(crate) fn waiting(&mut self, number: u64, batch: Vec<u8>) {
        self.changes.put(&numbered_key(WAITING, number), batch);
    }

    /// Takes points away that wait no longer.
    pub(crate) fn finished(&mut self, number: u64) {
        self.changes.delete(&numbered_key(WAITING, number));
    }

    /// Takes batches away of which nothing waits any more.
    pub(crate) fn all_finished(&mut self, finished: &[Arc<Shelved>]) {
        finished.iter().for_each(|shelved| self.finished(shelved.number));
    }
}

impl Journal {
    /// Puts a record in line. A batch that changed nothing waits too: what it repeats may be in line still.
    pub(crate) fn write(&self, record: Record) -> (Commit, u64) {
        let bytes = record.changes.bytes() as u64;
        (self.store.commit(record.changes), bytes)
    }
}
