//! What was stored reads back, and what was not does no harm.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn extremes() -> impl Strategy<Value = Extremes> {
    let value = || option::of(-1e9..1e9);
    (value(), value(), value()).prop_map(|(sum, min, max)| Extremes { sum, min, max })
}

fn total() -> impl Strategy<Value = Total> {
    let explicit = (any::<u64>(), extremes(), vec((any::<u64>(), 0.0..1.0), 0..20)).prop_map(
        |(count, extremes, buckets)| {
            let counts: Box<[u64]> = buckets.iter().map(|(count, _)| *count).collect();
            let bounds = buckets.iter().skip(1).map(|(_, bound)| *bound).collect();
            Total::Histogram(Box::new(ExplicitHistogram {
                count,
                extremes,
                bounds,
                counts,
            }))
        },
    );
    let side =
        || (-1000..1000i32, vec(any::<u64>(), 0..20)).prop_map(|(offset, counts)| Buckets { offset, counts });
    let exponential = (
        any::<u64>(),
        extremes(),
        -10..20i32,
        any::<u64>(),
        0.0..1.0,
        side(),
        side(),
    )
        .prop_map(
            |(count, extremes, scale, zero_count, zero_threshold, positive, negative)| {
                Total::Exponential(Box::new(ExponentialHistogram {
                    count,
                    extremes,
                    scale,
                    zero_count,
                    zero_threshold,
                    positive,
                    negative,
                }))
            },
        );
    prop_oneof![
        any::<i64>().prop_map(Total::Int),
        (-1e300..1e300).prop_map(Total::Double),
        explicit,
        exponential,
    ]
}

pub(crate) fn stream() -> impl Strategy<Value = (StreamId, Stream)> {
    (any::<u128>(), any::<(u64, u64, u32)>(), total()).prop_map(|(id, (start_ns, time_ns, digest), total)| {
        let stream = Stream {
            start_ns,
            time_ns,
            digest,
            total,
        };
        (StreamId::from(id), stream)
    })
}

proptest! {
    #[test]
    fn streams_read_back(streams in vec(stream(), 0..20)) {
        let mut bytes = vec![VERSION];
        for (id, stream) in &streams {
            put_stream(&mut bytes, *id, stream);
        }
        let mut reader = Reader::new(&bytes).unwrap();
        let mut back = Vec::new();
        while !reader.is_empty() {
            back.push(reader.stream().unwrap());
        }
        prop_assert_eq!(back, streams);
    }

    #[test]
    fn damage_does_no_harm(streams in vec(stream(), 1..4), cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), flip: u8) {
        let mut bytes = vec![VERSION];
        for (id, stream) in &streams {
            put_stream(&mut bytes, *id, stream);
        }
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Some(mut reader) = Reader::new(&bytes) {
            while reader.stream().is_some() {}
        }
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
    let mut bytes = Vec::new();
    put_stream(&mut bytes, StreamId::from(7), &stream);
    let expected = [
        &[7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0][..],
        &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
        &[0xff; 8],
    ];
    assert_eq!(bytes, expected.concat());
    assert!(Reader::new(&[2]).is_none(), "another version");
}
