//! Which points count, and what they add up to.

use std::sync::Arc;

use weir_streams::{Buckets, Extremes};

use super::*;

fn point(start_ns: u64, time_ns: u64) -> Point {
    Point {
        id: StreamId::from(1),
        start_ns,
        time_ns,
        digest: start_ns as u32,
        content: Content::Nothing,
    }
}

fn begun(start_ns: u64, time_ns: u64, total: Total) -> Stream {
    Stream::first(&point(start_ns, time_ns), total)
}

fn histogram(bounds: &[f64], counts: &[u64]) -> Total {
    Total::Histogram(Box::new(ExplicitHistogram {
        count: counts.iter().sum(),
        extremes: Extremes::default(),
        bounds: Arc::from(bounds),
        counts: counts.into(),
    }))
}

#[test]
fn points_stand_as_in_the_collector() {
    let stream = begun(1000, 2000, Total::Int(1));
    for (start, time, expected) in [
        (2000, 3000, Standing::Newer),
        (1500, 3000, Standing::Newer),
        (9000, 9500, Standing::Newer),
        (0, 3000, Standing::Newer),
        (1000, 2000, Standing::Repeated),
        (1500, 2000, Standing::OutOfOrder),
        (1000, 1500, Standing::OutOfOrder),
        (0, 1500, Standing::OutOfOrder),
        (500, 1000, Standing::OlderStart),
        (500, 9000, Standing::OlderStart),
    ] {
        assert_eq!(stream.standing(&point(start, time)), expected, "{start} {time}");
    }
}

#[test]
fn a_stream_starts_where_its_first_point_says_or_just_before_it() {
    let start = |start, time| begun(start, time, Total::Int(1)).start_ns;
    assert_eq!(start(5, 9), 5);
    assert_eq!(start(0, 5_000_000), 4_000_000);
    assert_eq!(
        start(7_000_000, 5_000_000),
        4_000_000,
        "a start after the end is none"
    );
    assert_eq!(start(0, 5), 0);
}

#[test]
fn numbers_of_both_kinds_add_up() {
    let mut stream = begun(1, 2, Total::Int(1));
    assert!(!stream.add(&point(2, 3), Total::Int(2)));
    assert_eq!(stream.total, Total::Int(3));
    assert!(!stream.add(&point(3, 4), Total::Double(0.5)));
    assert!(!stream.add(&point(4, 5), Total::Int(1)));
    assert_eq!(stream.total, Total::Double(4.5));
    assert_eq!((stream.start_ns, stream.time_ns), (1, 5));
}

#[test]
fn what_cannot_be_added_begins_anew_where_the_old_total_ended() {
    let cases = [
        (Total::Int(i64::MAX), Total::Int(1)),
        (Total::Double(f64::MAX), Total::Double(f64::MAX)),
        (histogram(&[1.0], &[1, 2]), histogram(&[2.0], &[3, 4])),
        (histogram(&[1.0], &[1, u64::MAX - 1]), histogram(&[1.0], &[1, 1])),
        (Total::Int(1), histogram(&[1.0], &[1, 2])),
    ];
    for (total, delta) in cases {
        let mut stream = begun(10, 20, total);
        assert!(stream.add(&point(15, 30), delta.clone()), "{delta:?}");
        assert_eq!(
            (stream.start_ns, stream.time_ns),
            (20, 30),
            "the totals do not overlap"
        );
        assert_eq!(stream.total, delta);
        assert!(stream.add(&point(40, 50), histogram(&[7.0], &[1, 1])));
        assert_eq!(stream.start_ns, 40, "there was a gap");
    }
}

#[test]
fn histograms_add_up() {
    let mut stream = begun(1, 2, histogram(&[1.0, 2.0], &[1, 2, 3]));
    assert!(!stream.add(&point(2, 3), histogram(&[1.0, 2.0], &[10, 20, 30])));
    assert_eq!(stream.total, histogram(&[1.0, 2.0], &[11, 22, 33]));
    let exponential = |scale, counts: &[u64]| {
        Total::Exponential(Box::new(ExponentialHistogram {
            count: counts.iter().sum(),
            scale,
            positive: Buckets {
                offset: 0,
                counts: counts.to_vec(),
            },
            ..ExponentialHistogram::default()
        }))
    };
    let mut stream = begun(1, 2, exponential(1, &[1, 2, 3, 4]));
    assert!(!stream.add(&point(2, 3), exponential(0, &[10, 10])));
    assert_eq!(stream.total, exponential(0, &[13, 17]));
}
