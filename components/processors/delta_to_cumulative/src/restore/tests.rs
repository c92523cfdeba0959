//! Whatever the order of batches, sweeps and pages written, a crash at any moment loses nothing.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use weir_streams::{Limits, StreamId};

use super::*;
use crate::accumulator::Now;
use crate::encoding::{VERSION, put_stream};
use crate::stream::{Content, Point, Total};

#[derive(Debug, Clone)]
enum Step {
    /// Streams that get a point, and how much time passes.
    Batch(Vec<u8>, u32),
    /// Streams that are silent for longer than a few seconds are forgotten.
    Sweep,
    /// A checkpoint begins, unless one is under way.
    Cut,
    /// It writes the changed pages of a shard.
    Pages(u8),
    /// It ends, writing the rest.
    End,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (vec(0..60u8, 1..12), 0..3u32).prop_map(|(streams, seconds)| Step::Batch(streams, seconds)),
        2 => Just(Step::Sweep),
        2 => Just(Step::Cut),
        4 => (0..4u8).prop_map(Step::Pages),
        2 => Just(Step::End),
        1 => Just(Step::Crash),
    ]
}

fn accumulator() -> Accumulator {
    Accumulator::new(Limits::of(u64::MAX, 0), None, true)
}

/// What is on the disk.
#[derive(Default)]
struct Disk {
    pages: BTreeMap<(usize, usize), Vec<u8>>,
    frames: BTreeMap<u64, Vec<u8>>,
}

impl Disk {
    fn write(&mut self, accumulator: &Accumulator, shard: usize) {
        accumulator.shards.with(shard, |table, _| {
            for page in 0..table.pages() {
                let Some(entries) = table.take_changed(page) else {
                    continue;
                };
                let mut bytes = vec![VERSION];
                for (place, entry) in entries {
                    bytes.push(place);
                    put_stream(&mut bytes, entry.id, &entry.value);
                }
                self.pages.insert((shard, page), bytes);
            }
        });
    }

    fn read(&self) -> Option<Accumulator> {
        let restored = accumulator();
        for ((shard, page), bytes) in &self.pages {
            read_page(&restored, *shard, *page, bytes)?;
        }
        for bytes in self.frames.values() {
            read_frame(&restored, bytes)?;
        }
        (0..SHARDS).for_each(|shard| restored.shards.with(shard, |table, _| table.settle()));
        restored.begin(self.frames.keys().next_back().map_or(0, |number| number + 1));
        Some(restored)
    }
}

fn content(accumulator: &Accumulator) -> BTreeMap<[u8; 16], Stream> {
    let mut streams = BTreeMap::new();
    for shard in 0..SHARDS {
        accumulator.shards.with(shard, |table, _| {
            streams.extend(
                table
                    .iter()
                    .map(|entry| (entry.id.to_bytes(), entry.value.clone())),
            );
        });
    }
    streams
}

proptest! {
    #[test]
    fn what_was_there_is_there_again(steps in vec(step(), 1..80)) {
        let mut accumulator = accumulator();
        let mut disk = Disk::default();
        let mut cut = None;
        let mut seconds = 1;
        for step in steps.into_iter().chain([Step::Crash]) {
            match step {
                Step::Batch(streams, passed) => {
                    seconds += passed;
                    let point = |stream: u8| Point {
                        // In four shards, so that slots are used again; only some ids are told apart by their first byte.
                        id: StreamId::from(u128::from(stream % 4) << 123 | u128::from(stream)),
                        start_ns: 1,
                        time_ns: u64::from(seconds) * 10,
                        digest: seconds,
                        content: Content::Delta(match stream % 3 {
                            0 => Total::Double(0.5),
                            _ => Total::Int(stream.into()),
                        }),
                    };
                    let points = streams.into_iter().map(point).collect();
                    let now = Now { seconds, millis: 0 };
                    let mut outcome = accumulator.add(points, now, |_| None, |_, _| ());
                    if let Some(frame) = outcome.frame.take().and_then(crate::frame::Frame::into_bytes) {
                        disk.frames.insert(outcome.number, frame);
                    }
                }
                Step::Sweep => {
                    accumulator.sweep(Now { seconds, millis: 0 }, 4);
                }
                Step::Cut => cut = cut.or(Some(accumulator.barrier())),
                Step::Pages(shard) if cut.is_some() => disk.write(&accumulator, usize::from(shard)),
                Step::Pages(_) => {}
                Step::End => if let Some(cut) = cut.take() {
                    (0..SHARDS).for_each(|shard| disk.write(&accumulator, shard));
                    disk.frames.retain(|number, _| *number >= cut);
                },
                Step::Crash => {
                    let restored = disk.read();
                    prop_assert!(restored.is_some(), "everything can be read");
                    let restored = restored.unwrap();
                    let (before, after) = (content(&accumulator), content(&restored));
                    for (id, stream) in &before {
                        prop_assert_eq!(after.get(id), Some(stream));
                    }
                    prop_assert_eq!(restored.budget().streams(), after.len());
                    accumulator = restored;
                    cut = None;
                }
            }
        }
    }
}
