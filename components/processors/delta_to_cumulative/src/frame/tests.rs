//! What a frame says is what a table has after it.

use proptest::collection::vec;
use proptest::prelude::*;
use weir_streams::{Budget, Limits};

use super::*;
use crate::encoding::tests::stream;

fn table() -> StreamTable<Stream> {
    StreamTable::new(Arc::new(Budget::new(Limits::of(u64::MAX, 0))))
}

/// Reads a frame into one table for all shards. Returns false if not all of it can be read.
fn read(bytes: &[u8], table: &mut StreamTable<Stream>) -> bool {
    let Some(mut records) = Records::of(bytes) else {
        return false;
    };
    while !records.is_empty() {
        match records.record() {
            Some(record) => record.restore(table),
            None => return false,
        };
    }
    true
}

proptest! {
    #[test]
    fn streams_read_back_and_so_do_their_changes(
        streams in vec((stream(), 0..32usize, any::<(i64, i64, u32)>()), 1..20),
    ) {
        let (mut first, mut second) = (Frame::with_room(1), Frame::with_room(20));
        let mut expected = Vec::new();
        for (slot, ((id, stream), shard, (number, time, digest))) in (0..).zip(streams) {
            first.enter(shard);
            first.put(slot, id, &stream, true);
            // Another state of the same form.
            let mut later = stream;
            later.time_ns = later.time_ns.wrapping_add(time.cast_unsigned());
            later.digest = digest;
            match &mut later.total {
                Total::Int(value) => *value = number,
                Total::Double(value) => *value = number as f64,
                Total::Histogram(histogram) => histogram.count = number.cast_unsigned(),
                Total::Exponential(histogram) => histogram.scale = digest as i32,
            }
            second.enter(shard);
            second.put(slot, id, &later, false);
            expected.push((slot, id, later));
        }
        let mut table = table();
        prop_assert!(read(&first.into_bytes().unwrap(), &mut table));
        let second = second.into_bytes().unwrap();
        for _ in 0..2 {
            prop_assert!(read(&second, &mut table));
            for (slot, id, stream) in &expected {
                let entry = table.get(*slot).unwrap();
                prop_assert_eq!((entry.id, &entry.value), (*id, stream));
            }
        }
    }

    #[test]
    fn damage_does_no_harm(
        streams in vec((stream(), any::<bool>()), 1..4),
        cut in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        flip: u8,
    ) {
        let mut frame = Frame::with_room(4);
        for (slot, ((id, stream), all)) in (0..).zip(&streams) {
            frame.put(slot, *id, stream, *all);
        }
        let mut bytes = frame.into_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        bytes.truncate(cut.index(bytes.len() + 1));
        read(&bytes, &mut table());
    }
}

#[test]
fn the_stored_form_does_not_change() {
    let stream = Stream {
        start_ns: 1,
        time_ns: 2,
        digest: 3,
        total: Total::Int(-1),
    };
    let mut frame = Frame::with_room(2);
    frame.enter(5);
    frame.put(300, StreamId::from(7), &stream, false);
    frame.put(1, StreamId::from(8), &stream, true);
    let expected = [
        &[2, 255, 5][..],
        &[0, 0xac, 2, 7, 3, 0, 0, 0, 4, 1],
        &[
            4, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1, 1,
        ],
    ];
    assert_eq!(frame.into_bytes().unwrap(), expected.concat());
    assert!(Records::of(&[1]).is_none(), "another version");
    assert!(Frame::with_room(9).into_bytes().is_none(), "nothing changed");
}

#[test]
fn records_about_a_stream_that_is_gone_change_nothing() {
    let stream = |value| Stream {
        start_ns: 1,
        time_ns: 2,
        digest: 3,
        total: Total::Int(value),
    };
    let mut old = Frame::with_room(1);
    old.put(9, StreamId::from(7), &stream(5), false);
    let old = old.into_bytes().unwrap();
    let mut table = table();
    assert!(read(&old, &mut table), "its slot is empty");
    assert!(table.is_empty());
    let mut new = Frame::with_room(1);
    new.put(9, StreamId::from(8), &stream(6), true);
    assert!(read(&new.into_bytes().unwrap(), &mut table));
    assert!(read(&old, &mut table), "its slot has another stream");
    assert_eq!(table.get(9).unwrap().value, stream(6));
}
