use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::Limits;

const SECOND: u64 = 1_000_000_000;

const RULES: WatchRules = WatchRules {
    silence: Some(Silence {
        missed_intervals: 3,
        min_interval_ms: 1_000,
        max_interval_ms: 60_000,
        at_least_ms: 0,
    }),
    conflicts: false,
    forget_after_ms: 300_000,
};

fn watch(rules: WatchRules) -> Watch {
    let limits = Limits {
        streams: 1_000,
        bytes: usize::MAX,
    };
    Watch::new(rules, &Arc::new(Budget::new(limits)))
}

fn id(stream: u64) -> StreamId {
    StreamId::from(u128::from(stream) << 123 | u128::from(stream))
}

fn alive(stream: u64, time_s: u64) -> Sighting {
    Sighting {
        id: id(stream),
        start_ns: 0,
        time_ns: time_s * SECOND,
        digest: 0,
        fate: Fate::Lives(Said::Level),
    }
}

/// Looks at points and names their streams, as owners do.
fn see(watch: &Watch, now_s: u64, sightings: &[Sighting]) {
    let seen = watch.see(now_s * 1_000, sightings);
    for at in seen.nameless {
        let id = sightings[at as usize].id;
        watch.name(id, [b"shared".as_slice(), &id.to_bytes()].into_iter());
    }
}

/// Returns what ended, and when, in seconds.
fn judge(watch: &Watch, now_s: u64) -> Vec<(StreamId, u64)> {
    let mut ended = watch.judge(now_s * 1_000, usize::MAX);
    watch.show(&mut ended, |one, pieces| {
        assert_eq!(pieces.next().unwrap(), b"shared");
        assert_eq!(pieces.next().unwrap(), one.id.to_bytes());
        assert!(pieces.next().is_none());
    });
    let found = ended.iter().map(|one| (one.id, one.at_ns / SECOND)).collect();
    watch.release(ended);
    found
}

#[test]
fn a_stream_ends_once_after_some_of_its_own_intervals() {
    let watch = watch(RULES);
    for at in 0..5 {
        see(
            &watch,
            at * 10,
            &[alive(1, 1_000 + at * 10), alive(2, 7_000 + at * 10)],
        );
    }
    see(&watch, 50, &[alive(2, 7_050)]);
    assert_eq!(judge(&watch, 69), []);
    // Half an interval after the last point, in its own time.
    assert_eq!(judge(&watch, 70), [(id(1), 1_045)]);
    assert_eq!(judge(&watch, 75), []);
    assert_eq!(judge(&watch, 80), [(id(2), 7_055)]);
    assert_eq!((watch.streams(), watch.shards.budget().bytes()), (0, 0));
    assert_eq!(judge(&watch, 10_000), []);
}

#[test]
fn streams_whose_rhythm_is_not_known_end_when_they_are_forgotten() {
    let watch = watch(RULES);
    see(&watch, 0, &[alive(1, 1_000)]);
    // Slower than is judged.
    for at in 0..5 {
        see(&watch, at * 100, &[alive(2, 1_000 + at * 100)]);
    }
    assert_eq!(judge(&watch, 299), []);
    assert_eq!(judge(&watch, 300), [(id(1), 1_150)]);
    assert_eq!(judge(&watch, 699), []);
    assert_eq!(judge(&watch, 700), [(id(2), 1_550)]);
}

#[test]
fn points_that_come_in_bursts_are_not_taken_for_a_faster_rhythm() {
    let watch = watch(RULES);
    // Six points every minute, ten seconds apart.
    for burst in 0..6 {
        let points: Vec<Sighting> = (0..6).map(|at| alive(1, 1_000 + burst * 60 + at * 10)).collect();
        see(&watch, burst * 60, &points);
        assert_eq!(judge(&watch, burst * 60 + 59), []);
    }
    assert_eq!(judge(&watch, 479), []);
    assert_eq!(judge(&watch, 480).len(), 1);
}

#[test]
fn a_point_that_ends_its_stream_is_the_last() {
    let watch = watch(RULES);
    for at in 0..5 {
        see(&watch, at, &[alive(1, at + 1)]);
    }
    let ends = Sighting {
        fate: Fate::Ends,
        ..alive(1, 6)
    };
    see(&watch, 5, &[ends]);
    assert_eq!((judge(&watch, 1_000), watch.shards.budget().bytes()), (vec![], 0));
}

#[test]
fn without_room_streams_are_not_looked_after() {
    let budget = Arc::new(Budget::new(Limits {
        streams: 5,
        bytes: 150,
    }));
    let watch = Watch::new(RULES, &budget);
    see(&watch, 0, &[alive(1, 1), alive(2, 1), alive(3, 1)]);
    assert_eq!(watch.streams(), 1);
    assert_eq!(budget.streams(), 0, "streams of the owner are its own");
    assert!(budget.bytes() > 0);
}

#[test]
fn shards_take_turns() {
    let watch = watch(RULES);
    let all: Vec<Sighting> = (0..32).map(|stream| alive(stream, 1)).collect();
    see(&watch, 0, &all);
    let mut ended = 0;
    for _ in 0..4 {
        let some = watch.judge(400_000, 8);
        assert_eq!(some.len(), 8);
        ended += some.len();
        watch.release(some);
    }
    assert_eq!(ended, 32);
}

#[test]
fn conflicts_are_told_once_for_each_stream() {
    let watch = watch(WatchRules {
        silence: None,
        conflicts: true,
        ..RULES
    });
    let mut told = Vec::new();
    for at in 1..10_u64 {
        let point = |start, time| Sighting {
            start_ns: start * SECOND,
            ..alive(1, time)
        };
        let both = [
            point(100, 1_000 + at * 10),
            point(200, 1_003 + at * 10),
            alive(2, at),
        ];
        let seen = watch.see(at * 10_000, &both);
        assert_eq!(seen.nameless, [0_u32; 0], "nothing is written");
        told.extend(seen.conflicts);
    }
    assert_eq!(told.len(), 1);
    assert!(told[0] < 2);
    assert!(watch.judge(10_000_000, usize::MAX).is_empty(), "only forgotten");
    assert_eq!(watch.streams(), 0);
}

/// What happens to a watch.
#[derive(Debug, Clone)]
enum Event {
    /// Time passes.
    Pass(u64),
    /// A stream reports.
    Point(u64),
    /// A stream says that it has ended.
    Ends(u64),
    Judge,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1_u64..40).prop_map(Event::Pass),
        6 => (0_u64..4).prop_map(Event::Point),
        1 => (0_u64..4).prop_map(Event::Ends),
        3 => Just(Event::Judge),
    ]
}

proptest! {
    /// Ends come between points of a stream, one at most, never without a silence, later than the last point; and everything is
    /// given back.
    #[test]
    fn every_stream_ends_at_most_once_per_life(events in prop::collection::vec(event(), 0..200)) {
        let watch = watch(RULES);
        let mut now = 1;
        // When a stream that lives was last seen.
        let mut lives: HashMap<u64, u64> = HashMap::new();
        for event in events.into_iter().chain([Event::Pass(1_000), Event::Judge]) {
            match event {
                Event::Pass(seconds) => now += seconds,
                Event::Point(stream) => {
                    see(&watch, now, &[alive(stream, now)]);
                    lives.insert(stream, now);
                }
                Event::Ends(stream) => {
                    see(&watch, now, &[Sighting { fate: Fate::Ends, ..alive(stream, now) }]);
                    lives.remove(&stream);
                }
                Event::Judge => {
                    for (ended, at) in judge(&watch, now) {
                        let stream = (0..4).find(|stream| id(*stream) == ended).unwrap();
                        let last = lives.remove(&stream);
                        prop_assert!(last.is_some(), "{stream} ended before");
                        prop_assert!(now - last.unwrap() >= 3, "silent for three intervals of at least a second");
                        prop_assert!(at >= last.unwrap());
                    }
                    let forgotten = lives.values().filter(|seen| now - **seen >= 300).count();
                    prop_assert_eq!(forgotten, 0, "all that are forgotten have ended");
                }
            }
        }
        prop_assert!(lives.is_empty());
        prop_assert_eq!(watch.shards.budget().bytes(), 0);
    }
}
