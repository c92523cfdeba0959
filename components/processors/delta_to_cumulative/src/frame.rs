//! What one batch changed, as the journal keeps it. Version 2; a change of anything here is a new version.
//!
//! A frame is a version byte and the records of the streams that changed, in the order of the shards. A record holds the stream as it was
//! after the change, and not the change, so that it may be read over a state that has it already. A stream that is known takes about
//! a dozen bytes: it is named by its slot, and what cannot have changed is left out.
//!
//! | record | bytes |
//! |---|---|
//! | of a shard, before its streams: 255, number | 1 each |
//! | of a stream: kind as in [pages](crate::encoding), and 4 if all of it follows | 1 |
//! | slot | varint |
//! | all: id; otherwise the first byte of the id | 16; 1 |
//! | digest of the newest point | 4 |
//! | time: after that of the record before | signed varint |
//! | all: start: after the time | signed varint |
//! | integer; double | signed varint; 8 |
//! | histograms as in pages; explicit ones have bounds only where all follows | |

use std::sync::Arc;

use weir_streams::{Entry, Slot, StreamId, StreamTable};

use crate::encoding::{Body, Reader, kind, put_body, put_signed, put_varint};
use crate::stream::{Stream, Total};

/// First byte of every frame.
const VERSION: u8 = 2;
/// Set in the kind of a record that holds all of a stream.
const ALL: u8 = 4;
/// In place of a kind: a shard follows.
const SHARD: u8 = 0xff;

/// Writes a frame.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    bytes: Vec<u8>,
    /// Where the next records belong.
    shard: u8,
    /// Where the last record belongs.
    written: Option<u8>,
    /// Time of the last record.
    time_ns: u64,
}

impl Frame {
    /// Begins a frame with room for so many streams that are known.
    pub(crate) fn with_room(streams: usize) -> Self {
        let mut bytes = Vec::with_capacity(1 + streams * 16);
        bytes.push(VERSION);
        Self {
            bytes,
            ..Self::default()
        }
    }

    /// Says to which shard the next streams belong.
    pub(crate) fn enter(&mut self, shard: usize) {
        self.shard = shard as u8;
    }

    /// Adds a stream that changed. `all`: the slot is new to it, or more changed than a point of the same form can change.
    pub(crate) fn put(&mut self, slot: Slot, id: StreamId, stream: &Stream, all: bool) {
        let out = &mut self.bytes;
        if self.written.replace(self.shard) != Some(self.shard) {
            out.extend([SHARD, self.shard]);
        }
        out.push(kind(&stream.total) | if all { ALL } else { 0 });
        put_varint(out, u64::from(slot));
        let id = id.to_bytes();
        match all {
            true => out.extend(id),
            false => out.push(id[0]),
        }
        out.extend(stream.digest.to_le_bytes());
        put_signed(out, since(stream.time_ns, self.time_ns));
        self.time_ns = stream.time_ns;
        if all {
            put_signed(out, since(stream.start_ns, stream.time_ns));
        }
        match &stream.total {
            Total::Int(value) => put_signed(out, *value),
            total => put_body(out, total, if all { Body::Whole } else { Body::WithoutBounds }),
        }
    }

    /// Returns the frame, or `None` if nothing changed.
    pub(crate) fn into_bytes(self) -> Option<Vec<u8>> {
        self.written.map(|_| self.bytes)
    }
}

/// Returns a difference of times; any two have one.
const fn since(time: u64, before: u64) -> i64 {
    time.wrapping_sub(before).cast_signed()
}

/// A record that was read.
#[derive(Debug)]
pub(crate) struct Record {
    /// Where it belongs.
    pub(crate) shard: usize,
    slot: Slot,
    digest: u32,
    time_ns: u64,
    total: Total,
    what: What,
}

#[derive(Debug)]
enum What {
    /// All of a stream.
    All { id: StreamId, start_ns: u64 },
    /// What changed of the stream whose id begins with this byte.
    Known(u8),
}

/// Reads the records of a frame. What is read never leads beyond its end, whatever it is.
pub(crate) struct Records<'a> {
    reader: Reader<'a>,
    shard: usize,
    time_ns: u64,
}

impl<'a> Records<'a> {
    /// Begins; `None` if the frame is of another version.
    pub(crate) fn of(bytes: &'a [u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        (*version == VERSION).then(|| Self {
            reader: Reader::over(rest),
            shard: 0,
            time_ns: 0,
        })
    }

    /// Returns true at the end.
    pub(crate) const fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    /// Reads a record; `None` if there is no whole one.
    pub(crate) fn record(&mut self) -> Option<Record> {
        let reader = &mut self.reader;
        let mut head = reader.byte()?;
        if head == SHARD {
            self.shard = usize::from(reader.byte()?);
            head = reader.byte()?;
        }
        let (kind, all) = (head & !ALL, head & ALL != 0);
        let slot = Slot::try_from(reader.varint()?).ok()?;
        let id = if all {
            Ok(StreamId::from_bytes(reader.take()?))
        } else {
            Err(reader.byte()?)
        };
        let digest = u32::from_le_bytes(reader.take()?);
        let time_ns = self.time_ns.wrapping_add(reader.signed()?.cast_unsigned());
        self.time_ns = time_ns;
        let what = match id {
            Ok(id) => What::All {
                id,
                start_ns: time_ns.wrapping_add(reader.signed()?.cast_unsigned()),
            },
            Err(first) => What::Known(first),
        };
        let body = if all { Body::Whole } else { Body::WithoutBounds };
        let total = match kind {
            0 => Total::Int(reader.signed()?),
            kind => reader.body(kind, body)?,
        };
        Some(Record {
            shard: self.shard,
            slot,
            digest,
            time_ns,
            total,
            what,
        })
    }
}

impl Record {
    /// Puts the stream over what is in the table of its shard. Returns false if the table has no such place.
    pub(crate) fn restore(self, table: &mut StreamTable<Stream>) -> bool {
        let Self {
            slot,
            digest,
            time_ns,
            total,
            ..
        } = self;
        match self.what {
            What::All { id, start_ns } => {
                let value = Stream {
                    start_ns,
                    time_ns,
                    digest,
                    total,
                };
                table.restore_over(slot, Entry { id, seen: 0, value })
            }
            What::Known(first) => {
                // A page may be of a later moment than this record. Then the stream was forgotten and its slot is empty or has
                // another one, or its form has changed. What the page has stays, as later records are about that.
                table.change(slot, |entry| {
                    if entry.id.to_bytes()[0] == first
                        && let Some(total) = with_bounds(total, &entry.value.total)
                    {
                        let stream = &mut entry.value;
                        (stream.time_ns, stream.digest, stream.total) = (time_ns, digest, total);
                    }
                });
                true
            }
        }
    }
}

/// Gives an explicit histogram the bounds of the one before; `None` if that has other ones.
fn with_bounds(total: Total, before: &Total) -> Option<Total> {
    match (total, before) {
        (Total::Histogram(mut total), Total::Histogram(before)) => {
            total.bounds = Arc::clone(&before.bounds);
            (total.counts.len() == before.counts.len()).then_some(Total::Histogram(total))
        }
        (Total::Histogram(_), _) => None,
        (total, _) => Some(total),
    }
}

#[cfg(test)]
mod tests;
