//! Takes the streams over from the storage at start.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use weir_component::{Batch, Changes, StorageError, Store};
use weir_streams::{Entry, PAGE, SHARDS, Shards};

use crate::accumulator::Accumulator;
use crate::encoding::Reader;
use crate::frame::Records;
use crate::journal::{FRAME, META, Meta, WAITING, number_of, page_of};
use crate::shelf;
use crate::stream::Stream;
use crate::waiting::Waiting;

/// What was in the storage.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) meta: Meta,
    /// Number of the next batch: higher than all in the storage.
    pub(crate) next: u64,
    /// Batches whose points wait, with their numbers, in order.
    pub(crate) waiting: Vec<(u64, Batch)>,
    /// Bytes of the journal.
    pub(crate) journal: u64,
    /// Records that could not be read.
    pub(crate) unreadable: u64,
    /// The storage had the state of another version, which is gone.
    pub(crate) discarded: bool,
}

/// Reads a store into an accumulator. Values are read one at a time, straight into their places.
///
/// # Errors
///
/// [`StorageError`]: the store cannot be read.
pub(crate) async fn restore(
    store: &Arc<dyn Store>,
    accumulator: &Arc<Accumulator>,
    fresh_seed: u64,
) -> Result<Restored, StorageError> {
    let mut restored = Restored {
        meta: Meta { seed: fresh_seed },
        next: 0,
        waiting: Vec::new(),
        journal: 0,
        unreadable: 0,
        discarded: false,
    };
    let metas = read(store, META, Vec::new(), |metas: &mut Vec<Vec<u8>>, _, value| {
        metas.push(value.to_vec())
    })
    .await?;
    match metas.first().map(|meta| Meta::decode(meta)) {
        Some(Some(meta)) => restored.meta = meta,
        found => {
            restored.discarded = found.is_some();
            // Made durable before anything that depends on it, as it is first in line.
            let mut changes = Changes::default();
            changes.delete_range(&[], &[0xff]);
            changes.put(META, restored.meta.encode());
            store.commit(changes).await?;
            return Ok(restored);
        }
    }
    let pages = Arc::clone(accumulator);
    restored.unreadable += read(
        store,
        &[crate::journal::PAGE],
        0,
        move |unreadable, key, value| {
            let read = page_of(key).and_then(|(shard, page)| read_page(&pages, shard, page, value));
            *unreadable += u64::from(read.is_none());
        },
    )
    .await?;
    let frames = Arc::clone(accumulator);
    let journal = read(store, &[FRAME], Frames::default(), move |journal, key, value| {
        journal.bytes += (key.len() + value.len()) as u64;
        journal.next = journal
            .next
            .max(number_of(key).map_or(0, |number| number.saturating_add(1)));
        journal.unreadable += u64::from(read_frame(&frames, value).is_none());
    })
    .await?;
    for shard in 0..SHARDS {
        accumulator.shards.with(shard, |table, _| table.settle());
    }
    let waiting = read(
        store,
        &[WAITING],
        (Vec::new(), 0),
        |(batches, unreadable), key, value| match number_of(key).zip(shelf::decode(value)) {
            Some(batch) => batches.push(batch),
            None => *unreadable += 1,
        },
    )
    .await?;
    let behind = |(number, _): &(u64, Batch)| number.saturating_add(1);
    restored.next = waiting.0.iter().map(behind).max().unwrap_or(0).max(journal.next);
    restored.waiting = waiting.0;
    restored.journal = journal.bytes;
    restored.unreadable += journal.unreadable + waiting.1;
    Ok(restored)
}

/// What was found in the journal.
#[derive(Debug, Default)]
struct Frames {
    next: u64,
    bytes: u64,
    unreadable: u64,
}

/// Shows the values with a prefix to `take`, and returns what that made of them.
async fn read<T: Send + 'static>(
    store: &Arc<dyn Store>,
    prefix: &[u8],
    empty: T,
    mut take: impl FnMut(&mut T, &[u8], &[u8]) + Send + 'static,
) -> Result<T, StorageError> {
    let taken = Arc::new(Mutex::new(Some(empty)));
    let shared = Arc::clone(&taken);
    let show = move |key: &[u8], value: &[u8]| {
        if let Some(taken) = shared.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            take(taken, key, value);
        }
        ControlFlow::Continue(())
    };
    store.read(prefix, Box::new(show)).await?;
    let taken = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
    taken.ok_or_else(StorageError::closed)
}

/// Puts the streams of a page in their places; `None` if not all of them can be read.
fn read_page(accumulator: &Accumulator, shard: usize, page: usize, bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes)?;
    // No table has pages beyond 32 bits of slots.
    let first = u32::try_from(page.checked_mul(PAGE)?).ok()?;
    if shard >= SHARDS
        || !accumulator
            .shards
            .with(shard, |table, _| table.restore_page(page))
    {
        return None;
    }
    while !reader.is_empty() {
        let slot = first.checked_add(u32::from(reader.byte()?))?;
        let (id, value) = reader.stream()?;
        if Shards::<Stream, Waiting>::shard_of(id) != shard {
            return None;
        }
        accumulator.shards.with(shard, |table, _| {
            table.restore_at(slot, Entry { id, seen: 0, value })
        });
    }
    Some(())
}

/// Puts the streams of a frame over what is there; `None` if not all of them can be read.
fn read_frame(accumulator: &Accumulator, bytes: &[u8]) -> Option<()> {
    let mut records = Records::of(bytes)?;
    let mut all = true;
    while !records.is_empty() {
        let record = records.record().filter(|record| record.shard < SHARDS)?;
        all &= accumulator
            .shards
            .with(record.shard, |table, _| record.restore(table));
    }
    all.then_some(())
}

#[cfg(test)]
mod tests;
