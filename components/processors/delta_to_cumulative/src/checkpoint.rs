//! Checkpoints: what changed is written as pages, and the journal before it goes.
//!
//! A checkpoint need not be of one moment. It begins by waiting until every batch with a lower number has passed all shards and stands
//! in line; whatever those changed is then in pages marked as changed, and each page is written as it is when its turn comes. When all
//! pages are durable the journal of those batches is not needed any more. Later batches are in the journal; reading it over pages that
//! have them already ends at the same states.

use weir_component::{Changes, StorageError};
use weir_streams::SHARDS;

use crate::accumulator::Accumulator;
use crate::encoding::{VERSION, put_stream};
use crate::journal::{FRAME, Journal, numbered_key, page_key};

/// Bytes of pages that are made durable together. This much more memory is used while a checkpoint runs.
const COMMIT_BYTES: usize = 2 << 20;
/// Pages that are encoded under the lock of a shard before others may have it: a few dozen microseconds.
const PAGES_PER_LOCK: usize = 16;

/// Writes what changed since the last checkpoint, and takes the journal away that is not needed any more.
///
/// # Errors
///
/// [`StorageError`]: the store was closed. What was written is part of the state; the journal is as it was.
///
/// # Cancel safety
///
/// Not safe: pages that count as unchanged may not have been written. Only give it up together with the whole processor.
pub(crate) async fn checkpoint(accumulator: &Accumulator, journal: &Journal) -> Result<(), StorageError> {
    let cut = accumulator.barrier();
    let mut changes = Changes::default();
    for shard in 0..SHARDS {
        let mut page = 0;
        loop {
            let (next, done) = accumulator.shards.with(shard, |table, _| {
                let end = table.pages().min(page + PAGES_PER_LOCK);
                for page in page..end {
                    if let Some(entries) = table.take_changed(page) {
                        let mut bytes = vec![VERSION];
                        for (place, entry) in entries {
                            bytes.push(place);
                            put_stream(&mut bytes, entry.id, &entry.value);
                        }
                        changes.put(&page_key(shard, page), bytes);
                    }
                }
                (end, end == table.pages())
            });
            if changes.bytes() >= COMMIT_BYTES {
                journal.store.commit(std::mem::take(&mut changes)).await?;
            }
            if done {
                break;
            }
            page = next;
        }
    }
    changes.delete_range(&numbered_key(FRAME, 0), &numbered_key(FRAME, cut));
    journal.store.commit(changes).await
}
