//! Walks against a naive model, and points that wait against the truth.

use std::collections::{BTreeMap, HashMap};

use proptest::collection::vec;
use proptest::prelude::*;
use weir_pdata::view::Number;
use weir_testkit::batches;

use super::*;
use crate::shelf::write_released;
use crate::stream::Total;

const NO_LIMITS: Limits = Limits {
    streams: usize::MAX,
    bytes: usize::MAX,
};

fn now(millis: u64) -> Now {
    Now {
        seconds: (millis / 1000) as u32,
        millis,
    }
}

fn id(stream: u8) -> StreamId {
    // Spread over the shards, with several streams in some.
    StreamId::from((u128::from(stream % 5) << 123) | u128::from(stream))
}

fn point(stream: u8, start_ns: u64, time_ns: u64, delta: i64) -> Point {
    Point {
        id: id(stream),
        start_ns,
        time_ns,
        digest: (start_ns as u32) ^ (delta as u32) << 16,
        content: Content::Delta(Total::Int(delta)),
    }
}

fn add(accumulator: &Accumulator, points: Vec<Point>, millis: u64) -> Outcome {
    let shelve = |number| {
        let reorders = accumulator.window_ms.is_some();
        reorders.then(|| Arc::new(Shelved::whole(number, &batches::gauge("g", 1))))
    };
    let last = |outcome: &mut Outcome, shelved: Option<&Arc<Shelved>>| {
        if let Some(shelved) = shelved {
            let ordinals: Vec<u32> = (0..)
                .zip(&outcome.decisions)
                .filter_map(|(ordinal, decision)| (*decision == Decision::Wait).then_some(ordinal))
                .collect();
            if !ordinals.is_empty() {
                shelved.keep(batches::gauge("g", ordinals.len()), ordinals);
            }
        }
    };
    accumulator.add(points, now(millis), shelve, last)
}

/// The Collector's rules, one point at a time.
#[derive(Default)]
struct Model(BTreeMap<u8, (u64, u64, u32, i64)>);

impl Model {
    fn take(&mut self, stream: u8, point: &Point, delta: i64) -> Decision {
        let total = |start_ns, total| Decision::Total {
            start_ns,
            total: Total::Int(total),
        };
        match self.0.get_mut(&stream) {
            None => {
                self.0
                    .insert(stream, (point.start_ns, point.time_ns, point.digest, delta));
                total(point.start_ns, delta)
            }
            Some((start, ..)) if point.start_ns < *start => Decision::Drop(Reason::OlderStart),
            Some((start, time, digest, sum)) if point.time_ns == *time && point.digest == *digest => {
                total(*start, *sum)
            }
            Some((_, time, ..)) if point.time_ns <= *time => Decision::Drop(Reason::OutOfOrder),
            Some((start, time, digest, sum)) => {
                (*time, *digest, *sum) = (point.time_ns, point.digest, *sum + delta);
                total(*start, *sum)
            }
        }
    }
}

proptest! {
    #[test]
    fn without_a_window_points_count_as_in_the_collector(
        batches in vec(vec((0..12u8, 1..40u64, 1..10u64, 0..50i64), 0..30), 0..12),
    ) {
        let accumulator = Accumulator::new(NO_LIMITS, None, false);
        let mut model = Model::default();
        for batch in batches {
            let points: Vec<Point> = batch.iter().map(|(stream, start, length, delta)| point(*stream, *start, start + length, *delta)).collect();
            let mut expected = vec![Decision::Wait; points.len()];
            let mut order: Vec<usize> = (0..points.len()).collect();
            order.sort_by_key(|index| points[*index].time_ns);
            for index in order {
                let (stream, _, _, delta) = batch[index];
                expected[index] = model.take(stream, &points[index], delta);
            }
            let outcome = add(&accumulator, points, 0);
            prop_assert_eq!(outcome.decisions, expected);
        }
        prop_assert_eq!(accumulator.budget().streams(), model.0.len());
    }

    #[test]
    fn within_the_window_every_point_counts_in_its_place(
        streams in vec(vec((0..3u64, 1..100i64), 1..30), 1..8),
        delays in vec(0..1000u64, 240),
        batch_every in 1..300u64,
    ) {
        // Each stream has an interval of 100 ms, with a gap now and then; points arrive up to a second after their time.
        let accumulator = Accumulator::new(NO_LIMITS, Some(1100), false);
        let mut arrivals = Vec::new();
        let mut truth = HashMap::new();
        let mut delays = delays.into_iter().cycle();
        for (stream, points) in (0u8..).zip(&streams) {
            let (mut time, mut sum) = (1000, 0);
            for (gap, delta) in points {
                let start = time + u64::from(*gap == 0) * 100;
                time = start + 100;
                sum += delta;
                truth.insert((stream, time), sum);
                arrivals.push((time + delays.next().unwrap(), stream, start, time, *delta));
            }
        }
        arrivals.sort();
        let mut emitted: HashMap<u8, Vec<(u64, i64)>> = HashMap::new();
        let mut sources = HashMap::new();
        let end = arrivals.last().unwrap().0 + 3000;
        let mut arrivals = arrivals.into_iter().peekable();
        let mut clock = 0;
        while clock < end {
            clock += batch_every;
            let mut came = Vec::new();
            while let Some(arrival) = arrivals.next_if(|arrival| arrival.0 <= clock) {
                came.push(arrival);
            }
            let points = came.iter().map(|(_, stream, start, time, delta)| point(*stream, *start, *time, *delta)).collect();
            let outcome = add(&accumulator, points, clock);
            let mut leave = |stream: u8, time: u64, decision: &Decision| match decision {
                Decision::Total { total: Total::Int(total), .. } => emitted.entry(stream).or_default().push((time, *total)),
                other => panic!("stream {stream} at {time}: {other:?}"),
            };
            let mut here: Vec<(u64, u8, Decision)> = Vec::new();
            for (ordinal, ((_, stream, _, time, _), decision)) in (0u32..).zip(came.iter().zip(&outcome.decisions)) {
                sources.insert((outcome.number, ordinal), (*stream, *time));
                if *decision != Decision::Wait {
                    here.push((*time, *stream, decision.clone()));
                }
            }
            for released in &outcome.released {
                let (stream, time) = sources[&(released.place.shelved.number, released.place.ordinal)];
                here.push((time, stream, released.decision.clone()));
            }
            here.sort_by_key(|(time, stream, _)| (*stream, *time));
            here.iter().for_each(|(time, stream, decision)| leave(*stream, *time, decision));
        }
        for (stream, points) in &emitted {
            prop_assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0), "stream {} is in order: {:?}", stream, points);
            for (time, total) in points {
                prop_assert_eq!(truth.remove(&(*stream, *time)), Some(*total), "stream {} at {}", stream, time);
            }
        }
        prop_assert!(truth.is_empty(), "left: {:?}", truth);
    }
}

#[test]
fn a_point_that_follows_on_does_not_wait() {
    let accumulator = Accumulator::new(NO_LIMITS, Some(1000), false);
    assert_eq!(
        add(&accumulator, vec![point(1, 10, 20, 1)], 0).decisions,
        [Decision::Wait],
        "the first may not be the first"
    );
    let outcome = add(&accumulator, vec![point(1, 30, 40, 4)], 999);
    assert_eq!(
        (outcome.decisions, outcome.released.len()),
        (vec![Decision::Wait], 0)
    );
    let outcome = add(&accumulator, Vec::new(), 1000);
    assert_eq!(
        outcome.released.len(),
        1,
        "the first has waited long enough, the other follows on nothing"
    );
    let outcome = add(&accumulator, vec![point(1, 20, 30, 2)], 1001);
    let total = |total| Decision::Total {
        start_ns: 10,
        total: Total::Int(total),
    };
    assert_eq!(outcome.decisions, [total(3)]);
    assert_eq!(outcome.released[0].decision, total(7), "the gap is closed");
    assert_eq!(
        add(&accumulator, vec![point(1, 40, 50, 1)], 1002).decisions,
        [total(8)]
    );
    assert_eq!(
        accumulator.budget().bytes(),
        accumulator.shards.with(0, |_, _| 0) + bytes_of_one()
    );
}

/// What one stream of numbers takes.
fn bytes_of_one() -> usize {
    let accumulator = Accumulator::new(NO_LIMITS, None, false);
    add(&accumulator, vec![point(1, 1, 2, 1)], 0);
    accumulator.budget().bytes()
}

#[test]
fn a_stream_of_numbers_takes_less_than_a_hundred_bytes() {
    assert!(bytes_of_one() <= 100, "{}", bytes_of_one());
}

#[test]
fn points_that_wait_twice_count_once() {
    let accumulator = Accumulator::new(NO_LIMITS, Some(1000), false);
    let twice = vec![point(1, 10, 20, 1), point(1, 10, 20, 1)];
    let duplicate = Decision::Drop(Reason::Duplicate);
    assert_eq!(
        add(&accumulator, twice.clone(), 0).decisions,
        [Decision::Wait, duplicate.clone()]
    );
    assert_eq!(
        add(&accumulator, twice, 0).decisions,
        [duplicate.clone(), duplicate]
    );
    let released = add(&accumulator, Vec::new(), 1000).released;
    assert_eq!(released.len(), 1);
}

#[test]
fn without_room_points_do_not_wait_and_are_not_lost() {
    let limits = Limits {
        bytes: bytes_of_one(),
        ..NO_LIMITS
    };
    let accumulator = Accumulator::new(limits, Some(1000), false);
    let outcome = add(&accumulator, vec![point(1, 10, 20, 1), point(1, 30, 40, 2)], 0);
    let total = |total| Decision::Total {
        start_ns: 10,
        total: Total::Int(total),
    };
    assert_eq!(outcome.decisions, [total(1), total(3)]);
    assert_eq!(
        add(&accumulator, vec![point(2, 10, 20, 1)], 0).decisions,
        [Decision::Drop(Reason::Limit)]
    );
}

#[test]
fn at_the_limit_new_streams_are_refused_and_live_ones_go_on() {
    let accumulator = Accumulator::new(
        Limits {
            streams: 2,
            ..NO_LIMITS
        },
        None,
        false,
    );
    let points = |time| {
        (1..4)
            .map(|stream| point(stream, time, time + 1, 1))
            .collect::<Vec<_>>()
    };
    for round in 1..4 {
        let decisions = add(&accumulator, points(round), 0).decisions;
        let refused: Vec<bool> = decisions
            .iter()
            .map(|decision| *decision == Decision::Drop(Reason::Limit))
            .collect();
        assert_eq!(
            refused.iter().filter(|refused| **refused).count(),
            1,
            "{decisions:?}"
        );
        let refused = refused.iter().position(|refused| *refused).unwrap();
        let live = &decisions[(refused + 1) % 3];
        assert_eq!(
            *live,
            Decision::Total {
                start_ns: 1,
                total: Total::Int(round as i64)
            }
        );
    }
}

#[test]
fn churn_takes_no_memory() {
    let accumulator = Accumulator::new(NO_LIMITS, None, true);
    let mut most = 0;
    for round in 0..200u64 {
        let points = (0..100)
            .map(|stream| Point {
                id: StreamId::from(
                    u128::from(round * 100 + stream).wrapping_mul(0x9e37_79b9_7f4a_7c15_9e37_79b9_7f4a_7c15),
                ),
                ..point(0, 1, 2, 1)
            })
            .collect();
        add(&accumulator, points, round * 1000);
        accumulator.sweep(now(round * 1000), 5);
        if round > 10 {
            let pages: usize = (0..SHARDS)
                .map(|shard| accumulator.shards.with(shard, |table, _| table.pages()))
                .sum();
            most = most.max(pages);
        }
    }
    assert_eq!(accumulator.budget().streams(), 600);
    assert!(most <= SHARDS, "{most} pages: slots are used again");
}

#[test]
fn silent_streams_are_forgotten_unless_points_of_theirs_wait() {
    let accumulator = Accumulator::new(NO_LIMITS, Some(100_000), false);
    add(&accumulator, vec![point(1, 10, 20, 1), point(2, 10, 20, 1)], 0);
    add(&accumulator, Vec::new(), 100_000);
    add(&accumulator, vec![point(1, 30, 40, 1)], 100_000);
    assert_eq!(accumulator.sweep(now(200_000), 60), 1);
    assert_eq!(accumulator.budget().streams(), 1);
}

#[test]
fn points_that_have_waited_are_written_from_the_batch_that_brought_them() {
    // Two deltas of which the second waits, in a batch with something else before them.
    let whole = batches::metrics()
        .gauge("g", &[1.0])
        .delta()
        .counter("c", &[1.0, 2.0])
        .wire();
    for kept in [false, true] {
        let shelved = Arc::new(Shelved::whole(1, &whole));
        if kept {
            let mut part = whole.clone();
            let decisions = [Decision::Drop(Reason::Invalid), Decision::Wait];
            crate::writing::keep_waiting(&mut part, &decisions).unwrap();
            assert_eq!(part.items(), 1);
            shelved.keep(part, vec![1]);
        }
        let place = crate::waiting::Place { shelved, ordinal: 1 };
        let decision = Decision::Total {
            start_ns: 5,
            total: Total::Double(9.0),
        };
        let [batch] = &write_released(vec![Released { place, decision }]).unwrap()[..] else {
            panic!("one batch");
        };
        let mut seen = Vec::new();
        struct See<'a>(&'a mut Vec<(u64, Option<Number>)>);
        impl weir_pdata::view::MetricsVisitor for See<'_> {
            fn resource(&mut self, _: &weir_pdata::view::Resource<'_>) {}
            fn scope(&mut self, _: &weir_pdata::view::Scope<'_>) {}
            fn metric(&mut self, metric: &weir_pdata::view::Metric<'_>) -> weir_pdata::view::Visit {
                assert!(!crate::reading::is_delta(metric.kind));
                weir_pdata::view::Visit::Points
            }
            fn number(&mut self, point: &weir_pdata::view::NumberPoint<'_>) {
                self.0.push((point.start_ns, point.value));
            }
            fn histogram(&mut self, _: &weir_pdata::view::HistogramPoint<'_>) {}
            fn exponential_histogram(&mut self, _: &weir_pdata::view::ExponentialHistogramPoint<'_>) {}
            fn summary(&mut self, _: &weir_pdata::view::SummaryPoint<'_>) {}
        }
        batch.visit_metrics(&mut See(&mut seen));
        // What else came in a batch that is not kept yet went on before.
        assert_eq!(seen, [(5, Some(Number::Double(9.0)))]);
    }
}
